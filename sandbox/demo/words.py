"""Names of people, firms, places and goods from which the demo company is made; none of them is real."""

GIVEN = (
    "Anna", "Björn", "Chloé", "Dáithí", "Elif", "François", "Gülay", "Håkon", "Inés", "Jürgen", "Kateřina", "Łukasz", "Màiri",
    "Niccolò", "Øyvind", "Paweł", "Renée", "Siân", "Thomas", "Ursula", "Věra", "Willem", "Xènia", "Yusuf", "Zoë", "Mary", "John",
)  # fmt: skip
FAMILY = (
    "O'Brien", "Müller", "Søndergaard", "Dvořák", "García", "Lefèvre", "van den Berg", "Nowak", "D'Angelo", "Öberg", "Smith",
    "Kovács", "Núñez", "Ó Súilleabháin", "Rossi", "Schäfer", "Þórsson", "Wójcik", "Yılmaz", "Zieliński", "Brown", "Hansen",
)  # fmt: skip
FIRMS = (
    "Alpenblick", "Boulangerie Étoile", "Café Zoé", "Dún Laoghaire Marine", "Elbe & Söhne", "Fjord", "Grüne Wiese", "Hôtel du Lac",
    "Iberia Azulejos", "Jönköping Möbler", "Königsberg", "L'Atelier", "Mañana", "Northwind", "O'Hara's", "Piękny Dom", "Quai Sud",
    "Rødgrød", "São Bento", "Tøjhuset", "Überlingen", "Vltava", "Wawel", "Yorkshire Wool", "Zürichsee", "Smith, Jones", "Ängsö",
)  # fmt: skip
TRADES = (
    "Catering", "Elektro", "Interiors", "Logistics", "Metall", "Office", "Papeterie", "Sport", "Textil", "Trading", "Tools", "Wine",
)  # fmt: skip
PLACES: tuple[tuple[str, str, str, str, str, str], ...] = (
    # country, city, county, post code, phone prefix, legal form
    ("DE", "München", "Bayern", "80331", "+49 89", "GmbH"),
    ("DE", "Köln", "", "50667", "+49 221", "KG"),
    ("FR", "Orléans", "Loiret", "45000", "+33 2", "S.A.R.L."),
    ("GB", "Stoke-on-Trent", "Staffordshire", "ST4 2DP", "+44 1782", "Ltd."),
    ("IE", "Dún Laoghaire", "Co. Dublin", "A96 N2V6", "+353 1", "Ltd."),
    ("ES", "A Coruña", "Galicia", "15001", "+34 981", "S.L."),
    ("DK", "Ærøskøbing", "", "5970", "+45 62", "ApS"),
    ("SE", "Malmö", "Skåne", "211 19", "+46 40", "AB"),
    ("NO", "Tromsø", "Troms", "9008", "+47 77", "AS"),
    ("CH", "Zürich", "ZH", "8001", "+41 44", "AG"),
    ("CZ", "Plzeň", "", "301 00", "+420 377", "s.r.o."),
    ("US", "Coeur d'Alene", "ID", "83814", "+1 208", "Inc."),
    ("JP", "Kyōto", "", "604-8511", "+81 75", "K.K."),
)
STREETS = (
    "Hauptstraße",
    "Rue de l'Église",
    "King's Road",
    "Calle Mayor",
    "Strandvejen",
    "Storgatan",
    "Nádražní",
    "Quai d'Orsay",
)
GOODS = (
    "Desk",
    "Chair",
    "Lamp",
    "Shelf",
    "Cabinet",
    "Bicycle",
    "Paint",
    "Cable",
    "Notebook",
    "Kettle",
    "Rug",
    "Mirror",
)
LOOKS = (
    "oak, 120 cm",
    "black",
    "red",
    'wide, 24"',
    "café brown",
    "50% recycled",
    "size M/L",
    "blå",
    "extra-long",
    "w/o handle",
)
MACHINES = ("Lift truck", "Milling machine", "Paint booth", "Laser cutter", "3D printer", "Crane (5 t)")

CURRENCIES: tuple[tuple[str, str, str, str], ...] = (
    # code, description, symbol, units for one unit of the local currency; no rate: not entered yet
    ("USD", "US dollar", "$", "1.0842"),
    ("GBP", "Pound sterling", "£", "0.8551"),
    ("CHF", "Swiss franc", "Fr.", "0.9634"),
    ("SEK", "Swedish krona", "kr", "11.2435"),
    ("NOK", "Norwegian krone", "kr", "11.6180"),
    ("DKK", "Danish krone", "kr", "7.4605"),
    ("JPY", "Japanese yen", "¥", "162.35"),
    ("CZK", "Czech koruna", "Kč", "24.715"),
    ("PLN", "Polish złoty", "zł", "0"),
    ("HUF", "Hungarian forint", "Ft", "0"),
)
UNITS: tuple[tuple[str, str], ...] = (
    ("PCS", "Piece"), ("BOX", "Box"), ("PACK", "Pack"), ("PALLET", "Pallet"), ("SET", "Set"), ("KG", "Kilogram"), ("L", "Litre"),
    ("M", "Metre"), ("HOUR", "Hour"), ("DAY", "Day"),
)  # fmt: skip
HOSTILE = "Acme [/] \x1b]0;x\x07"
"""A name that would do something to a terminal, or to markup, that shows it as it is."""
