// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_words.h"

#include <array>

namespace holdfast::cli {
namespace {

constexpr std::array<std::string_view, 96> kGiven = {
    "Adela",   "Albert",  "Alma",   "Amos",     "Anita",   "Arthur",  "Aurora",  "Basil",
    "Beatriz", "Bernard", "Bianca", "Boris",    "Camille", "Carl",    "Cecilia", "Cyrus",
    "Dagmar",  "Damian",  "Daphne", "Dolores",  "Edgar",   "Edith",   "Elias",   "Elvira",
    "Emil",    "Enid",    "Ernest", "Esther",   "Eugene",  "Felix",   "Fiona",   "Flora",
    "Franz",   "Frieda",  "Gideon", "Gilda",    "Gloria",  "Gustav",  "Hazel",   "Hector",
    "Helga",   "Hubert",  "Ida",    "Ignacio",  "Ines",    "Irma",    "Isidor",  "Ivan",
    "Jonas",   "Josefa",  "Julius", "Karin",    "Kasper",  "Lavinia", "Leon",    "Leonora",
    "Lionel",  "Lucia",   "Ludwig", "Mabel",    "Magnus",  "Marcel",  "Marina",  "Martha",
    "Matilda", "Milton",  "Mira",   "Nadia",    "Nestor",  "Nina",    "Norbert", "Octavia",
    "Olga",    "Oscar",   "Otto",   "Paloma",   "Pascal",  "Petra",   "Philipp", "Ramona",
    "Rafael",  "Regina",  "Rolf",   "Rosalind", "Rufus",   "Sabina",  "Silas",   "Selma",
    "Stefan",  "Sylvia",  "Tamara", "Theodor",  "Ursula",  "Valerie", "Victor",  "Winifred"};

constexpr std::array<std::string_view, 60> kBeginnings = {
    "Alder",  "Amber", "Ash",   "Barrow", "Beck",  "Bram",  "Brisk", "Calder", "Carrow", "Chal",
    "Clover", "Corn",  "Crest", "Dal",    "Dun",   "Elder", "Ever",  "Fal",    "Fen",    "Flint",
    "Gal",    "Garn",  "Glen",  "Gren",   "Hal",   "Haver", "Hazel", "Hether", "Holl",   "Iver",
    "Kel",    "Kings", "Lang",  "Lin",    "Lor",   "Mal",   "Marl",  "Mel",    "Merri",  "Nor",
    "Oak",    "Orm",   "Pem",   "Pen",    "Quill", "Rams",  "Raven", "Red",    "Ros",    "Rud",
    "Sal",    "Sel",   "Stan",  "Sun",    "Tam",   "Thorn", "Tor",   "Wal",    "Wex",    "Yar"};

constexpr std::array<std::string_view, 50> kEndings = {
    "acre",  "barn", "beck",  "bourne", "bridge", "brook", "burn",  "bury", "combe", "cote",
    "croft", "dale", "dene",  "don",    "er",     "feld",  "field", "ford", "gate",  "grave",
    "ham",   "hart", "helm",  "holm",   "hurst",  "ing",   "kin",   "land", "ley",   "low",
    "man",   "mere", "mond",  "mont",   "more",   "ness",  "nick",  "over", "rick",  "ridge",
    "sen",   "shaw", "stead", "stone",  "thorpe", "ton",   "wald",  "ward", "well",  "worth"};

constexpr std::array<std::string_view, 64> kStreets = {
    "Acorn",   "Aspen",     "Bayberry", "Birch",    "Bluebell",   "Bramble",  "Brookside",
    "Buckeye", "Butternut", "Cardinal", "Catalpa",  "Cedar",      "Cherry",   "Chestnut",
    "Cinder",  "Clay",      "Cobble",   "Copper",   "Cottonwood", "Crane",    "Cypress",
    "Dogwood", "Eagle",     "Elder",    "Falcon",   "Fern",       "Finch",    "Foxglove",
    "Garnet",  "Ginger",    "Granite",  "Harvest",  "Hawthorn",   "Heron",    "Hickory",
    "Holly",   "Hornbeam",  "Indigo",   "Ivy",      "Juniper",    "Kestrel",  "Larch",
    "Laurel",  "Lilac",     "Linden",   "Magnolia", "Maple",      "Marigold", "Mulberry",
    "Nutmeg",  "Oriole",    "Osprey",   "Pebble",   "Persimmon",  "Plum",     "Poplar",
    "Quartz",  "Redwood",   "Sage",     "Sorrel",   "Sparrow",    "Tamarack", "Thistle",
    "Willow"};

constexpr std::array<std::string_view, 20> kEmployers = {
    "Alderbrook Tool Works", "Bellwether Freight",
    "Birchfield Bakery",     "Calder Optics",
    "Copperline Telephone",  "Driftwood Cannery",
    "Eastmoor Textiles",     "Fernvale Dairy",
    "Galloway Print Shop",   "Harrow Seed Company",
    "Ironbound Rail",        "Juniper Water District",
    "Kestrel Instruments",   "Larkspur Nursery",
    "Millrace Paper",        "Northgate Pharmacy",
    "Oxbow Lumber",          "Pinnacle Roofing",
    "Quarry Road Garage",    "Riverbend School District"};

constexpr std::array<std::string_view, 16> kOccupations = {
    "baker",      "bookkeeper", "carpenter",    "cook",           "electrician", "farm worker",
    "fitter",     "gardener",   "machinist",    "nurse",          "painter",     "roofer",
    "seamstress", "teacher",    "truck driver", "warehouse clerk"};

constexpr std::array<SamplePlace, 60> kPlaces = {{
    {"01493", "Harrowgate Mills", "MA"},
    {"01986", "Pellworth", "MA"},
    {"02397", "Sandery", "MA"},
    {"03998", "Tamarack Landing", "ME"},
    {"04597", "Coldhaven", "ME"},
    {"04893", "Wickery", "ME"},
    {"05198", "Marlow Notch", "VT"},
    {"05597", "Greenharbor", "VT"},
    {"05897", "Larkhaven", "VT"},
    {"12398", "Ellersby", "NY"},
    {"13497", "Quillford", "NY"},
    {"14899", "Osprey Falls", "NY"},
    {"15498", "Cinder Gap", "PA"},
    {"16797", "Bellmere", "PA"},
    {"18998", "Fallowfield Forge", "PA"},
    {"22897", "Dunmarsh", "VA"},
    {"23998", "Rosewell Ferry", "VA"},
    {"24497", "Hollin Ridge", "VA"},
    {"27698", "Carrowick", "NC"},
    {"28397", "Pinebarrow", "NC"},
    {"28897", "Ashen Cove", "NC"},
    {"30397", "Marlsby", "GA"},
    {"31197", "Cotterdale", "GA"},
    {"31897", "Sable Creek", "GA"},
    {"32597", "Heronmouth", "FL"},
    {"33697", "Palmetto Reach", "FL"},
    {"34897", "Coralside", "FL"},
    {"43697", "Tollgate", "OH"},
    {"44897", "Buckhollow", "OH"},
    {"45697", "Ransom Bend", "OH"},
    {"48697", "Whitefish Point", "MI"},
    {"49397", "Averley", "MI"},
    {"49897", "Ironshore", "MI"},
    {"50897", "Cornwick", "IA"},
    {"51697", "Prairie Lantern", "IA"},
    {"52897", "Mossgrove", "IA"},
    {"53697", "Lakewold", "WI"},
    {"54397", "Dairyford", "WI"},
    {"54897", "Timberlin", "WI"},
    {"55597", "Loonwater", "MN"},
    {"56297", "Stillmarsh", "MN"},
    {"56697", "Borealis", "MN"},
    {"60697", "Kestrelton", "IL"},
    {"61997", "Wheatmoor", "IL"},
    {"62897", "Oxbow Prairie", "IL"},
    {"66497", "Sunderly", "KS"},
    {"67397", "Dust Harbor", "KS"},
    {"67897", "Longfurrow", "KS"},
    {"75497", "Bluestem", "TX"},
    {"77997", "Gulfmere", "TX"},
    {"79497", "Caliche Wells", "TX"},
    {"80697", "Skyfall", "CO"},
    {"81197", "Aspenhold", "CO"},
    {"85497", "Ocotillo Bend", "AZ"},
    {"86597", "Redmesa Wells", "AZ"},
    {"87497", "Turquoise Gate", "NM"},
    {"92797", "Orangevale Heights", "CA"},
    {"95997", "Almond Ford", "CA"},
    {"97697", "Fernbridge", "OR"},
    {"98597", "Cedar Inlet", "WA"},
}};

}  // namespace

std::span<const std::string_view> SampleGivenNames() { return kGiven; }
std::span<const std::string_view> SampleFamilyBeginnings() { return kBeginnings; }
std::span<const std::string_view> SampleFamilyEndings() { return kEndings; }
std::span<const std::string_view> SampleStreets() { return kStreets; }
std::span<const std::string_view> SampleEmployers() { return kEmployers; }
std::span<const std::string_view> SampleOccupations() { return kOccupations; }
std::span<const SamplePlace> SamplePlaces() { return kPlaces; }

}  // namespace holdfast::cli
