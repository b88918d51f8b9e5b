"""[options] in config.toml: codes of NAV and the values of CRM's choices."""

from pathlib import Path

import pytest

from engine.model.errors import ConfigError
from engine.model.mapping import OptionMapping
from tests.mapping_config.files import mapping, settings

TERMS = '[options.PAYMENT_TERMS]\n"1M(8D)" = 2\nn60 = 4\n[options.SHIPPING_AGENT]\nOWN = 100000000\n'


def test_pairs_belong_to_the_mappings_whose_fields_name_them(tmp_path: Path) -> None:
    one = mapping(tmp_path, f"{TERMS}[mapping.CUSTOMER]\n")
    assert one.options == (
        OptionMapping("PAYMENT TERMS", (("1M(8D)", 2), ("N60", 4))),
        OptionMapping("SHIPPING AGENT", (("OWN", 100000000),)),
    )
    others = [each for each in settings(tmp_path, TERMS).mappings if each.name != "CUSTOMER"]
    assert all(each.options == () for each in others)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[options.PAYMENT_TERM]\nA = 1\n", 'no field mapping has options of this name; did you mean "PAYMENT_TERMS"'),
        ('[options.PAYMENT_TERMS]\nA = "1"\n', "must be a whole number"),
        ('[options.PAYMENT_TERMS]\n" " = 1\n', "must be a code of up to 20 characters"),
        ("[options]\nPAYMENT_TERMS = 1\n", "options.PAYMENT_TERMS"),
    ],
)
def test_what_is_wrong_with_options_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(tmp_path, text)
    assert said in " ".join(refused.value.problems)
