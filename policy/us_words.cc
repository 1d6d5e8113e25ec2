// SPDX-License-Identifier: Apache-2.0
#include "policy/us_words.h"

#include <array>
#include <cstddef>
#include <vector>

#include "base/check.h"

namespace holdfast::policy {
namespace {

// An abbreviation and the ways in which it is written, divided by spaces.
struct Spellings {
  std::string_view abbreviation;
  std::string_view words;
};

// Suffixes of streets.
constexpr Spellings kSuffixes[] = {
    {"ALY", "ALLEE ALLEY ALLY ALY"},
    {"ANX", "ANEX ANNEX ANNX ANX"},
    {"ARC", "ARC ARCADE"},
    {"AVE", "AV AVE AVEN AVENU AVENUE AVN AVNUE"},
    {"BYU", "BAYOO BAYOU BYU"},
    {"BCH", "BCH BEACH"},
    {"BND", "BEND BND"},
    {"BLF", "BLF BLUF BLUFF"},
    {"BLFS", "BLFS BLUFFS"},
    {"BTM", "BOT BTM BOTTM BOTTOM"},
    {"BLVD", "BLVD BLV BOUL BOULEVARD BOULV BVD"},
    {"BR", "BR BRNCH BRANCH"},
    {"BRG", "BRDGE BRG BRIDGE"},
    {"BRK", "BRK BROOK"},
    {"BRKS", "BRKS BROOKS"},
    {"BG", "BG BURG"},
    {"BGS", "BGS BURGS"},
    {"BYP", "BYP BYPA BYPAS BYPASS BYPS"},
    {"CP", "CAMP CP CMP"},
    {"CYN", "CANYN CANYON CNYN CYN"},
    {"CPE", "CAPE CPE"},
    {"CSWY", "CAUSEWAY CAUSWA CSWY"},
    {"CTR", "CEN CENT CENTER CENTR CENTRE CNTER CNTR CTR"},
    {"CTRS", "CENTERS CTRS"},
    {"CIR", "CIR CIRC CIRCL CIRCLE CRCL CRCLE"},
    {"CIRS", "CIRCLES CIRS"},
    {"CLF", "CLF CLIFF"},
    {"CLFS", "CLFS CLIFFS"},
    {"CLB", "CLB CLUB"},
    {"CMN", "CMN COMMON"},
    {"CMNS", "CMNS COMMONS"},
    {"COR", "COR CORNER"},
    {"CORS", "CORNERS CORS"},
    {"CRSE", "COURSE CRSE"},
    {"CT", "COURT CT CRT"},
    {"CTS", "COURTS CTS"},
    {"CV", "COVE CV"},
    {"CVS", "COVES CVS"},
    {"CRK", "CREEK CRK"},
    {"CRES", "CRESCENT CRES CRSENT CRSNT CRESENT"},
    {"CRST", "CREST CRST"},
    {"XING", "CROSSING CRSSNG XING"},
    {"XRD", "CROSSROAD XRD"},
    {"XRDS", "CROSSROADS XRDS"},
    {"CURV", "CURVE CURV"},
    {"DL", "DALE DL"},
    {"DM", "DAM DM"},
    {"DV", "DIV DIVIDE DV DVD"},
    {"DR", "DR DRIV DRIVE DRV"},
    {"DRS", "DRIVES DRS"},
    {"EST", "EST ESTATE"},
    {"ESTS", "ESTATES ESTS"},
    {"EXPY", "EXP EXPR EXPRESS EXPRESSWAY EXPW EXPY"},
    {"EXT", "EXT EXTENSION EXTN EXTNSN"},
    {"EXTS", "EXTENSIONS EXTS"},
    {"FALL", "FALL"},
    {"FLS", "FALLS FLS"},
    {"FRY", "FERRY FRRY FRY"},
    {"FLD", "FIELD FLD"},
    {"FLDS", "FIELDS FLDS"},
    {"FLT", "FLAT FLT"},
    {"FLTS", "FLATS FLTS"},
    {"FRD", "FORD FRD"},
    {"FRDS", "FORDS FRDS"},
    {"FRST", "FOREST FORESTS FRST"},
    {"FRG", "FORG FORGE FRG"},
    {"FRGS", "FORGES FRGS"},
    {"FRK", "FORK FRK"},
    {"FRKS", "FORKS FRKS"},
    {"FT", "FORT FRT FT"},
    {"FWY", "FREEWAY FREEWY FRWAY FRWY FWY"},
    {"GDN", "GARDEN GARDN GDN GRDEN GRDN"},
    {"GDNS", "GARDENS GDNS GRDNS"},
    {"GTWY", "GATEWAY GATEWY GATWAY GTWAY GTWY"},
    {"GLN", "GLEN GLN"},
    {"GLNS", "GLENS GLNS"},
    {"GRN", "GREEN GRN"},
    {"GRNS", "GREENS GRNS"},
    {"GRV", "GROV GROVE GRV"},
    {"GRVS", "GROVES GRVS"},
    {"HBR", "HARB HARBOR HARBR HBR HRBOR HARBOUR"},
    {"HBRS", "HARBORS HBRS"},
    {"HVN", "HAVEN HVN"},
    {"HTS", "HEIGHTS HTS HT"},
    {"HWY", "HIGHWAY HIGHWY HIWAY HIWY HWAY HWY"},
    {"HL", "HILL HL"},
    {"HLS", "HILLS HLS"},
    {"HOLW", "HLLW HOLLOW HOLLOWS HOLW HOLWS"},
    {"INLT", "INLT INLET"},
    {"IS", "IS ISLAND ISLND"},
    {"ISS", "ISLANDS ISLNDS ISS"},
    {"ISLE", "ISLE ISLES"},
    {"JCT", "JCT JCTION JCTN JUNCTION JUNCTN JUNCTON"},
    {"JCTS", "JCTNS JCTS JUNCTIONS"},
    {"KY", "KEY KY"},
    {"KYS", "KEYS KYS"},
    {"KNL", "KNL KNOL KNOLL"},
    {"KNLS", "KNLS KNOLLS"},
    {"LK", "LK LAKE"},
    {"LKS", "LKS LAKES"},
    {"LAND", "LAND"},
    {"LNDG", "LANDING LNDG LNDNG"},
    {"LN", "LANE LN LA"},
    {"LGT", "LGT LIGHT"},
    {"LGTS", "LIGHTS LGTS"},
    {"LF", "LF LOAF"},
    {"LCK", "LCK LOCK"},
    {"LCKS", "LCKS LOCKS"},
    {"LDG", "LDG LDGE LODG LODGE"},
    {"LOOP", "LOOP LOOPS LP"},
    {"MALL", "MALL"},
    {"MNR", "MNR MANOR"},
    {"MNRS", "MANORS MNRS"},
    {"MDW", "MEADOW MDW"},
    {"MDWS", "MDWS MEADOWS MEDOWS"},
    {"MEWS", "MEWS"},
    {"ML", "MILL ML"},
    {"MLS", "MILLS MLS"},
    {"MSN", "MISSION MISSN MSSN MSN"},
    {"MTWY", "MOTORWAY MTWY"},
    {"MT", "MNT MT MOUNT"},
    {"MTN", "MNTAIN MNTN MOUNTAIN MOUNTIN MTIN MTN"},
    {"MTNS", "MNTNS MOUNTAINS MTNS"},
    {"NCK", "NCK NECK"},
    {"ORCH", "ORCH ORCHARD ORCHRD"},
    {"OVAL", "OVAL OVL"},
    {"OPAS", "OVERPASS OPAS"},
    {"PARK", "PARK PRK PARKS"},
    {"PKWY", "PARKWAY PARKWY PKWAY PKWY PKY PARKWAYS PKWYS PKWYY"},
    {"PASS", "PASS"},
    {"PSGE", "PASSAGE PSGE"},
    {"PATH", "PATH PATHS"},
    {"PIKE", "PIKE PIKES"},
    {"PNE", "PINE PNE"},
    {"PNES", "PINES PNES"},
    {"PL", "PL PLACE"},
    {"PLN", "PLAIN PLN"},
    {"PLNS", "PLAINS PLNS"},
    {"PLZ", "PLAZA PLZ PLZA"},
    {"PT", "POINT PT"},
    {"PTS", "POINTS PTS"},
    {"PRT", "PORT PRT"},
    {"PRTS", "PORTS PRTS"},
    {"PR", "PR PRAIRIE PRR"},
    {"RADL", "RAD RADIAL RADIEL RADL"},
    {"RAMP", "RAMP"},
    {"RNCH", "RANCH RANCHES RNCH RNCHS"},
    {"RPD", "RAPID RPD"},
    {"RPDS", "RAPIDS RPDS"},
    {"RST", "REST RST"},
    {"RDG", "RDG RDGE RIDGE"},
    {"RDGS", "RDGS RIDGES"},
    {"RIV", "RIV RIVER RVR RIVR"},
    {"RD", "RD ROAD"},
    {"RDS", "ROADS RDS"},
    {"RTE", "ROUTE RTE"},
    {"ROW", "ROW"},
    {"RUE", "RUE"},
    {"RUN", "RUN"},
    {"SHL", "SHL SHOAL"},
    {"SHLS", "SHLS SHOALS"},
    {"SHR", "SHOAR SHORE SHR"},
    {"SHRS", "SHOARS SHORES SHRS"},
    {"SKWY", "SKYWAY SKWY"},
    {"SPG", "SPG SPNG SPRING SPRNG"},
    {"SPGS", "SPGS SPNGS SPRINGS SPRNGS"},
    {"SPUR", "SPUR SPURS"},
    {"SQ", "SQ SQR SQRE SQU SQUARE"},
    {"SQS", "SQRS SQUARES SQS"},
    {"STA", "STA STATION STATN STN"},
    {"STRA", "STRA STRAV STRAVEN STRAVENUE STRAVN STRVN STRVNUE"},
    {"STRM", "STREAM STREME STRM"},
    {"ST", "ST STREET STRT STR"},
    {"STS", "STREETS STS"},
    {"SMT", "SMT SUMIT SUMITT SUMMIT"},
    {"TER", "TER TERR TERRACE"},
    {"TRWY", "THROUGHWAY TRWY"},
    {"TRCE", "TRACE TRACES TRCE"},
    {"TRAK", "TRACK TRACKS TRAK TRK TRKS"},
    {"TRFY", "TRAFFICWAY TRFY"},
    {"TRL", "TRAIL TRAILS TRL TRLS"},
    {"TRLR", "TRAILER"},
    {"TUNL", "TUNEL TUNL TUNLS TUNNEL TUNNELS TUNNL"},
    {"TPKE", "TPKE TRNPK TURNPIKE TURNPK"},
    {"UPAS", "UNDERPASS UPAS"},
    {"UN", "UN UNION"},
    {"UNS", "UNIONS UNS"},
    {"VLY", "VALLEY VALLY VLLY VLY"},
    {"VLYS", "VALLEYS VLYS"},
    {"VIA", "VDCT VIA VIADCT VIADUCT"},
    {"VW", "VIEW VW"},
    {"VWS", "VIEWS VWS"},
    {"VLG", "VILL VILLAG VILLAGE VILLG VILLIAGE VLG"},
    {"VLGS", "VILLAGES VLGS"},
    {"VL", "VILLE VL"},
    {"VIS", "VIS VIST VISTA VST VSTA"},
    {"WALK", "WALK WALKS"},
    {"WALL", "WALL"},
    {"WAY", "WAY WY"},
    {"WAYS", "WAYS"},
    {"WL", "WELL WL"},
    {"WLS", "WELLS WLS"},
};

// Directionals.
constexpr Spellings kDirectionals[] = {
    {"N", "N NORTH"},       {"S", "S SO SOUTH"},    {"E", "E EAST"},        {"W", "W WEST"},
    {"NE", "NE NORTHEAST"}, {"NW", "NW NORTHWEST"}, {"SE", "SE SOUTHEAST"}, {"SW", "SW SOUTHWEST"},
};

// Units that need an identifier.
constexpr Spellings kUnits[] = {
    {"APT", "APT APARTMENT APARTMENTS APTS APMT AP APTMNT APRT APPT APARTAMENTO FLAT"},
    {"BLDG", "BLDG BUILDING BLD BDLG BLG"},
    {"DEPT", "DEPT DEPARTMENT"},
    {"FL", "FL FLOOR FLR"},
    {"HNGR", "HNGR HANGER HANGAR"},
    {"KEY", "KEY"},
    {"LOT", "LOT"},
    {"PIER", "PIER"},
    {"RM", "RM ROOM"},
    {"SLIP", "SLIP"},
    {"SPC", "SPC SPACE SP"},
    {"STOP", "STOP"},
    {"STE", "STE SUITE SUIT SUTE"},
    {"TRLR", "TRLR TRAILER"},
    {"UNIT", "UNIT UNITS"},
    {"FILE", "FILE"},
    {"BOOTH", "BOOTH"},
    {"TOWER", "TOWER TWR"},
    {"WING", "WING"},
    {"LEVEL", "LEVEL LVL"},
    {"MAILSTOP", "MAILSTOP MSC MC MS"},
    {"PMB", "PMB"},
    {"CONDO", "CONDO CONDOMINIUM"},
};

// Units that may stand without one.
constexpr Spellings kUnitsAlone[] = {
    {"BSMT", "BSMT BASEMENT"}, {"FRNT", "FRNT FRONT"}, {"LBBY", "LBBY LOBBY"},
    {"LOWR", "LOWR LOWER"},    {"OFC", "OFC OFFICE"},  {"PH", "PH PENTHOUSE"},
    {"REAR", "REAR"},          {"SIDE", "SIDE"},       {"UPPR", "UPPR UPPER"},
    {"GROUND", "GROUND"},
};

// Ordinals in words.
constexpr Spellings kOrdinals[] = {
    {"1ST", "FIRST"},        {"2ND", "SECOND"},      {"3RD", "THIRD"},       {"4TH", "FOURTH"},
    {"5TH", "FIFTH"},        {"6TH", "SIXTH"},       {"7TH", "SEVENTH"},     {"8TH", "EIGHTH"},
    {"9TH", "NINTH"},        {"10TH", "TENTH"},      {"11TH", "ELEVENTH"},   {"12TH", "TWELFTH"},
    {"13TH", "THIRTEENTH"},  {"14TH", "FOURTEENTH"}, {"15TH", "FIFTEENTH"},  {"16TH", "SIXTEENTH"},
    {"17TH", "SEVENTEENTH"}, {"18TH", "EIGHTEENTH"}, {"19TH", "NINETEENTH"}, {"20TH", "TWENTIETH"},
};

// Numbers in words.
constexpr Spellings kCardinals[] = {
    {"1", "ONE"},        {"2", "TWO"},       {"3", "THREE"},     {"4", "FOUR"},
    {"5", "FIVE"},       {"6", "SIX"},       {"7", "SEVEN"},     {"8", "EIGHT"},
    {"9", "NINE"},       {"10", "TEN"},      {"11", "ELEVEN"},   {"12", "TWELVE"},
    {"13", "THIRTEEN"},  {"14", "FOURTEEN"}, {"15", "FIFTEEN"},  {"16", "SIXTEEN"},
    {"17", "SEVENTEEN"}, {"18", "EIGHTEEN"}, {"19", "NINETEEN"}, {"20", "TWENTY"},
    {"30", "THIRTY"},    {"40", "FORTY"},    {"50", "FIFTY"},    {"60", "SIXTY"},
    {"70", "SEVENTY"},   {"80", "EIGHTY"},   {"90", "NINETY"},
};

// Words that are abbreviated in names of places.
constexpr Spellings kPlaces[] = {
    {"ST", "SAINT ST"},
    {"STE", "SAINTE STE"},
    {"FT", "FORT FT"},
    {"MT", "MOUNT MT"},
};

// Words that a number or a letter may follow as the name: HIGHWAY 50, AVENUE H.
constexpr std::string_view kHighways =
    "HWY HIGHWAY HIGHWY HIWAY HIWY HWAY RTE ROUTE RT ROAD RD CR FM SR US INTERSTATE I "
    "STATE COUNTY CO LOOP EXPY AVE AVENUE LN LANE RR CTH CH SPUR "
    "BUSINESS BUS BYPASS";

// Words for a box.
constexpr std::string_view kBoxes = "BOX BX POBOX POB LOCKBOX LBX DRAWER CALLER BIN";

// Words that say no more than that an identifier follows.
constexpr std::string_view kNumberSigns = "NUMBER NO NUM NBR NR";

struct State {
  std::string_view name;
  std::string_view code;
};

// In alphabetical order of the name.
constexpr State kStates[] = {
    {"ALABAMA", "AL"},
    {"ALASKA", "AK"},
    {"AMERICAN SAMOA", "AS"},
    {"ARIZONA", "AZ"},
    {"ARKANSAS", "AR"},
    {"ARMED FORCES AMERICAS", "AA"},
    {"ARMED FORCES EUROPE", "AE"},
    {"ARMED FORCES PACIFIC", "AP"},
    {"CALIFORNIA", "CA"},
    {"COLORADO", "CO"},
    {"CONNECTICUT", "CT"},
    {"DELAWARE", "DE"},
    {"DISTRICT OF COLUMBIA", "DC"},
    {"FEDERATED STATES OF MICRONESIA", "FM"},
    {"FLORIDA", "FL"},
    {"GEORGIA", "GA"},
    {"GUAM", "GU"},
    {"HAWAII", "HI"},
    {"IDAHO", "ID"},
    {"ILLINOIS", "IL"},
    {"INDIANA", "IN"},
    {"IOWA", "IA"},
    {"KANSAS", "KS"},
    {"KENTUCKY", "KY"},
    {"LOUISIANA", "LA"},
    {"MAINE", "ME"},
    {"MARSHALL ISLANDS", "MH"},
    {"MARYLAND", "MD"},
    {"MASSACHUSETTS", "MA"},
    {"MICHIGAN", "MI"},
    {"MINNESOTA", "MN"},
    {"MISSISSIPPI", "MS"},
    {"MISSOURI", "MO"},
    {"MONTANA", "MT"},
    {"NEBRASKA", "NE"},
    {"NEVADA", "NV"},
    {"NEW HAMPSHIRE", "NH"},
    {"NEW JERSEY", "NJ"},
    {"NEW MEXICO", "NM"},
    {"NEW YORK", "NY"},
    {"NORTH CAROLINA", "NC"},
    {"NORTH DAKOTA", "ND"},
    {"NORTHERN MARIANA ISLANDS", "MP"},
    {"OHIO", "OH"},
    {"OKLAHOMA", "OK"},
    {"OREGON", "OR"},
    {"PALAU", "PW"},
    {"PENNSYLVANIA", "PA"},
    {"PUERTO RICO", "PR"},
    {"RHODE ISLAND", "RI"},
    {"SOUTH CAROLINA", "SC"},
    {"SOUTH DAKOTA", "SD"},
    {"TENNESSEE", "TN"},
    {"TEXAS", "TX"},
    {"UTAH", "UT"},
    {"VERMONT", "VT"},
    {"VIRGIN ISLANDS", "VI"},
    {"VIRGINIA", "VA"},
    {"WASHINGTON", "WA"},
    {"WEST VIRGINIA", "WV"},
    {"WISCONSIN", "WI"},
    {"WYOMING", "WY"},
};

// Open addressing over a table that is never more than half full. Every word of an address is
// looked up once, so this is the inner loop of reading one.
class Index final {
 public:
  Index() {
    for (const auto& [to, words] : kSuffixes) Add(words, kWordSuffix, &UsWord::suffix, to);
    for (const auto& [to, words] : kDirectionals) {
      Add(words, kWordDirectional, &UsWord::directional, to);
    }
    for (const auto& [to, words] : kUnits) Add(words, kWordUnit, &UsWord::unit, to);
    for (const auto& [to, words] : kUnitsAlone) Add(words, kWordUnitAlone, &UsWord::unit, to);
    for (const auto& [to, words] : kOrdinals) Add(words, kWordOrdinal, &UsWord::other, to);
    for (const auto& [to, words] : kCardinals) Add(words, kWordCardinal, &UsWord::other, to);
    for (const auto& [to, words] : kPlaces) Add(words, kWordPlace, &UsWord::other, to);
    Add(kHighways, kWordHighway, nullptr, {});
    Add(kBoxes, kWordBox, nullptr, {});
    Add(kNumberSigns, kWordNumberSign, nullptr, {});
  }

  const UsWord& Find(std::string_view word) const {
    static constexpr UsWord kNone;
    if (word.size() > kLongest) return kNone;
    const std::uint16_t entry = slots_[SlotOf(word)];
    return entry == kEmpty ? kNone : entries_[entry].meaning;
  }

 private:
  struct Entry {
    std::string_view word;
    UsWord meaning;
  };
  static constexpr std::size_t kSlots = 2048;
  static constexpr std::size_t kMostWords = kSlots / 2;
  static constexpr std::size_t kLongest = 16;
  static constexpr std::uint16_t kEmpty = 0;

  // The slot that has the word, or the empty one where it would go.
  std::size_t SlotOf(std::string_view word) const {
    std::uint64_t hash = word.size();
    for (const char c : word) hash = hash * 31 + static_cast<unsigned char>(c);
    hash *= 0x9E3779B97F4A7C15U;
    std::size_t slot = static_cast<std::size_t>(hash >> 53) % kSlots;
    while (slots_[slot] != kEmpty && entries_[slots_[slot]].word != word) {
      slot = (slot + 1) % kSlots;
    }
    return slot;
  }

  void Add(std::string_view words, UsWordKind kind, std::string_view UsWord::*field,
           std::string_view value) {
    while (!words.empty()) {
      const std::size_t space = words.find(' ');
      const std::string_view word = words.substr(0, space);
      words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
      std::uint16_t& entry = slots_[SlotOf(word)];
      if (entry == kEmpty) {
        HF_CHECK(entries_.size() < kMostWords);
        entry = static_cast<std::uint16_t>(entries_.size());
        entries_.push_back({word, {}});
      }
      UsWord& meaning = entries_[entry].meaning;
      meaning.kinds = static_cast<std::uint16_t>(meaning.kinds | kind);
      if (field != nullptr) meaning.*field = value;
    }
  }

  // Constant after construction. Slots are small, so that all of them stay in the cache.
  std::array<std::uint16_t, kSlots> slots_{};
  std::vector<Entry> entries_{Entry{}};  // The first is no word.
};

}  // namespace

const UsWord& LookUpUsWord(std::string_view word) {
  // Never freed: a thread may still judge while the process exits.
  static const Index& index = *new Index;
  return index.Find(word);
}

std::string_view UsStateCode(std::string_view state) {
  for (const State& entry : kStates) {
    if (state.size() == 2 ? entry.code == state : entry.name == state) return entry.code;
  }
  return {};
}

}  // namespace holdfast::policy
