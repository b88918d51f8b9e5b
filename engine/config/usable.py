"""Whether settings that are valid can be used on this machine now: their secrets, certificates and notifications."""

from engine.config.certificates import certificates_problem
from engine.config.notify import notification_problem
from engine.config.settings import Settings
from engine.model.errors import ConfigError


def doubts(found: Settings) -> tuple[list[str], list[str]]:
    """What keeps settings from being used yet, and what is careless, a line each; secrets are looked up, not told."""
    problems: list[str] = []
    warnings: list[str] = []
    told = [(f"notify.{one.name}", one) for one in found.notify]
    secrets = [("nav.secret", found.nav.secret), ("crm.secret", found.crm.secret)]
    secrets += [(f"{place}.{key}", secret) for place, one in told for key, secret in one.secrets.items()]
    for name, secret in secrets:
        try:
            secret.reveal()
        except ConfigError as error:
            problems.append(f"{found.path}: {name}: {error.told}")
        if warning := secret.warning():
            warnings.append(f"{found.path}: {name}: {warning}")
    for place, one in told:
        if (fault := notification_problem(one, found.path.parent)) is not None:
            problems.append(f"{found.path}: {place}.{fault[0]}: {fault[1]}")
    files = [("nav.ca_file", found.nav.ca_file), ("crm.ca_file", found.crm.ca_file)]
    for name, ca_file in (*files, *((f"{place}.ca_file", one.ca_file) for place, one in told)):
        if problem := certificates_problem(ca_file):
            problems.append(f"{found.path}: {name}: {problem}")
    return problems, [*warnings, *found.left_out]
