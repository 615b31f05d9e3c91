"""The words that sentences about rules are made of: each phrase with the terminal of ``grammar.lark`` it stands for.

The longest phrase wins, so "come into" is one thing and "into" another. Kinds that perception cannot tell apart, such
as customers and staff, or vans and lorries, are no words: a rule about them would be a guess.
"""

from collections.abc import Mapping

from context.day_time import DAY_MINUTES, DayTime, SunEvent
from context.rule import Deed, Kind
from context.schedule import WEEKDAYS, OperationalState
from context.severity import Severity
from context.zone import ZoneKind

Value = object
Phrase = tuple[str, Value]
"""Terminal and meaning."""

_STATE = OperationalState
_WORKDAYS, _WEEKEND = WEEKDAYS[:5], WEEKDAYS[5:]

NIGHT = (DayTime(22 * 60), DayTime(6 * 60))
MORNING_BEGINS = NIGHT[1]
"""An evening's "after ten" ends here."""
EVENING_BEGINS_MINUTES = 17 * 60
MIDNIGHT, END_OF_DAY = DayTime(0), DayTime(DAY_MINUTES)
_SUNRISE, _SUNSET = DayTime(0, SunEvent.SUNRISE), DayTime(0, SunEvent.SUNSET)

SKIPPED = frozenset(
    [
        "a",
        "an",
        "the",
        "some",
        "please",
        "is",
        "are",
        "be",
        "being",
        "been",
        "was",
        "were",
        "there",
        "there's",
        "it",
        "it's",
        "has",
        "have",
        "any",
        "only",
        "also",
        "our",
        "my",
        "that",
        "which",
        "who",
        "ever",
        "then",
        "of",
        "its",
        "their",
        "zone",
        "area",
    ]
)
"""Words without a meaning of their own here."""


def _all(terminal: str, value: Value, *texts: str) -> dict[str, Phrase]:
    return dict.fromkeys(texts, (terminal, value))


def _verb(terminal: str, value: Value, stems: Mapping[str, tuple[str, ...]], *tails: str) -> dict[str, Phrase]:
    """All forms of some verbs, each followed by each tail; a tail "" is none."""
    forms = [form for stem, others in stems.items() for form in (stem, *others)]
    return {f"{form} {tail}".strip(): (terminal, value) for form in forms for tail in tails or ("",)}


_GO = {
    "come": ("comes", "coming", "came"),
    "go": ("goes", "going", "went", "gone"),
    "walk": ("walks", "walking", "walked"),
    "get": ("gets", "getting", "got"),
    "step": ("steps", "stepping", "stepped"),
    "drive": ("drives", "driving", "drove"),
    "ride": ("rides", "riding", "rode"),
    "break": ("breaks", "breaking"),
    "climb": ("climbs", "climbing"),
}
_MOVE = {
    "move": ("moves", "moving", "moved"),
    "drive": ("drives", "driving"),
    "walk": ("walks", "walking"),
    "go": ("goes", "going"),
    "travel": ("travels", "travelling", "traveling"),
    "ride": ("rides", "riding"),
    "run": ("runs", "running"),
    "cycle": ("cycles", "cycling"),
}

PHRASES: dict[str, Phrase] = {
    # asking
    **_all(
        "ASK",
        None,
        "alert me",
        "alert us",
        "alert",
        "tell me",
        "tell us",
        "notify me",
        "notify us",
        "notify",
        "warn me",
    ),
    **_all("ASK", None, "warn us", "warn", "let me know", "let us know", "inform me", "inform us", "i want to know"),
    **_all(
        "ASK", None, "i need to know", "i would like to know", "i'd like to know", "send me an alert", "send an alert"
    ),
    **_all("ASK", None, "raise an alert", "raise an alarm", "give me an alert", "raise the alarm", "we want to know"),
    **_all("ASK", None, "send me a notification", "send a notification", "call me", "ping me"),
    **_all("COND", None, "if", "when", "whenever", "as soon as", "every time", "each time", "any time", "in case"),
    **_all("ABOUT", None, "about"),
    # who
    **_all(
        "KIND",
        Kind.PERSON,
        "person",
        "persons",
        "people",
        "someone",
        "somebody",
        "anyone",
        "anybody",
        "human",
        "humans",
    ),
    **_all(
        "KIND", Kind.PERSON, "man", "men", "woman", "women", "pedestrian", "pedestrians", "individual", "individuals"
    ),
    **_all("KIND", Kind.PERSON, "intruder", "intruders", "trespasser", "trespassers"),
    **_all("KIND", Kind.VEHICLE, "vehicle", "vehicles", "car", "cars", "automobile", "automobiles"),
    **_all("KIND", Kind.BICYCLE, "bicycle", "bicycles", "bike", "bikes", "cyclist", "cyclists"),
    **_all("ANYTHING", None, "anything", "something", "object", "objects", "any object"),
    **_all("THING", None, "bag", "bags", "package", "packages", "parcel", "parcels", "suitcase", "suitcases", "item"),
    **_all("THING", None, "items", "backpack", "backpacks", "thing", "things", "luggage", "trolley", "box", "boxes"),
    **_all("NOBODY", None, "nobody", "no one", "no-one", "noone"),
    **_all("NO", None, "no"),
    **_all("NOT", None, "not", "never", "n't"),
    **_all(
        "MODAL",
        None,
        "should",
        "may",
        "must",
        "can",
        "allowed",
        "permitted",
        "allowed to",
        "permitted to",
        "supposed to",
    ),
    **_all("MODAL_NOT", None, "shouldn't", "mustn't", "can't", "cannot", "aren't allowed", "isn't allowed"),
    # doing what
    **_verb("DEED", Deed.ENTER, {"enter": ("enters", "entering", "entered", "entry")}),
    **_verb("DEED", Deed.ENTER, _GO, "in", "into", "inside", "on to", "onto"),
    **_verb("DEED", Deed.LEAVE, {"exit": ("exits", "exiting", "exited")}),
    **_verb("DEED", Deed.LEAVE, _GO, "out of", "out", "outside"),
    **_verb("LEAVE", Deed.LEAVE, {"leave": ("leaves", "leaving")}),
    **_verb("DEED", Deed.DWELL, {"loiter": ("loiters", "loitering", "loitered")}),
    **_verb("DEED", Deed.DWELL, {"linger": ("lingers", "lingering"), "dwell": ("dwells", "dwelling")}),
    **_verb("DEED", Deed.DWELL, {"stay": ("stays", "staying", "stayed"), "remain": ("remains", "remaining")}),
    **_verb("DEED", Deed.DWELL, {"wait": ("waits", "waiting"), "hide": ("hides", "hiding")}, "", "around"),
    **_verb("DEED", Deed.DWELL, {"hang": ("hangs", "hanging")}, "around", "about"),
    **_verb("DEED", Deed.DWELL, {"stand": ("stands", "standing")}, "", "around", "about"),
    **_verb("DEED", Deed.DWELL, {"spend": ("spends", "spending")}),
    **_verb("DEED", Deed.STOPPED, {"stop": ("stops", "stopping", "stopped")}),
    **_verb("PARK", None, {"park": ("parks", "parking", "parked")}),
    **_verb("DEED", Deed.STOPPED, {"stand": ("stands", "standing")}, "still"),
    **_verb("DEED", Deed.FALL, {"fall": ("falls", "falling", "fell", "fallen")}, "", "down", "over"),
    **_verb("DEED", Deed.FALL, {"collapse": ("collapses", "collapsing", "collapsed")}),
    **_verb("DEED", Deed.FALL, {"lie": ("lies", "lying")}, "on the floor", "on the ground"),
    **_verb("CROWD", None, {"gather": ("gathers", "gathering"), "crowd": ("crowds", "crowding")}, "", "together"),
    **_verb("RUN", None, {"run": ("runs", "running", "ran")}),
    **_verb("DEED", Deed.SPEED, {"speed": ("speeds", "speeding"), "race": ("races", "racing")}),
    **_verb("DEED", Deed.SPEED, _MOVE, "fast", "too fast", "quickly"),
    **_verb("MOVE", None, {stem: forms for stem, forms in _MOVE.items() if stem != "run"}),
    **_all("AGAINST", None, "against traffic flow", "against the traffic flow", "against the flow", "against traffic"),
    **_all(
        "AGAINST", None, "against the traffic", "the wrong way", "wrong way", "in the wrong direction", "against flow"
    ),
    **_all(
        "AGAINST", None, "in the opposite direction", "against the flow of traffic", "against the permitted direction"
    ),
    **_all("AGAINST", None, "against the direction of travel", "wrong-way"),
    **_verb("AGAINST", None, _MOVE, "in the wrong direction", "in the opposite direction"),
    **_verb("CROSS", None, {"cross": ("crosses", "crossing", "crossed")}, "", "over"),
    **_verb("CROSS", None, {"go": ("goes", "going"), "step": ("steps", "stepping")}, "over", "across"),
    **_all(
        "LEFT", None, "left behind", "left", "left unattended", "left alone", "unattended", "abandoned", "forgotten"
    ),
    **_all(
        "CROWD", None, "crowd", "crowds", "crowded", "gathering", "large group", "group of people", "too many people"
    ),
    **_all(
        "PRESENT", None, "present", "seen", "detected", "visible", "appears", "appear", "shows up", "show up", "spotted"
    ),
    **_all("QUEUE", None, "queue", "queues"),
    **_all("UNUSUAL", None, "unusual", "strange", "odd", "abnormal", "anomalous", "out of the ordinary"),
    **_all("CONDUCT", None, "activity", "behaviour", "behavior", "movement", "happens", "happening", "motion"),
    **_all("NOW", None, "immediately", "at once", "right away", "straight away"),
    # where
    **_all("PREP", None, "in", "at", "near", "inside", "within", "by", "around", "through", "into", "next to", "onto"),
    **_all("PREP", None, "in front of", "close to", "along", "beside", "via", "using"),
    **_all("ANYWHERE", None, "anywhere", "on site", "everywhere"),
    **_all("CAMERA_WORD", None, "camera", "cam"),
    **_all("ON", None, "on"),
    **_all("TO", None, "to", "through to"),
    **_all("UNTIL", None, "till", "until"),
    **_all("FROM", None, "from", "starting", "starting at", "beginning", "beginning at"),
    # when
    **_all("AFTER", None, "after", "past", "later than"),
    **_all("BEFORE", None, "before", "earlier than"),
    **_all("BETWEEN", None, "between"),
    **_all("ONWARDS", None, "onwards", "onward"),
    **_all("CLOCK", DayTime(12 * 60), "noon", "midday"),
    **_all("MIDNIGHT", None, "midnight"),
    **_all("SUN", _SUNSET, "sunset", "sundown", "dusk"),
    **_all("SUN", _SUNRISE, "sunrise", "sunup", "dawn"),
    **_all("PERIOD", NIGHT, "at night", "during the night", "overnight", "in the night", "night", "nights", "by night"),
    **_all("PERIOD", (DayTime(6 * 60), DayTime(12 * 60)), "in the morning", "morning", "mornings", "in the mornings"),
    **_all("PERIOD", (DayTime(12 * 60), DayTime(18 * 60)), "in the afternoon", "afternoon", "afternoons"),
    **_all("PERIOD", (DayTime(18 * 60), DayTime(22 * 60)), "in the evening", "evening", "evenings", "in the evenings"),
    **_all("PERIOD", (_SUNSET, _SUNRISE), "after dark", "when it is dark", "while it is dark", "in the dark"),
    **_all("PERIOD", (_SUNRISE, _SUNSET), "during daylight", "in daylight", "while it is light", "in the daytime"),
    **_all("ANYTIME", None, "at any time", "around the clock", "24/7", "all day", "day and night", "always"),
    **{day: ("DAY", (day,)) for day in WEEKDAYS},
    **{f"{day}s": ("DAY", (day,)) for day in WEEKDAYS},
    **_all("DAY", _WORKDAYS, "weekday", "weekdays", "workdays", "working days"),
    **_all("DAY", _WEEKEND, "weekend", "weekends"),
    **_all("DAY", WEEKDAYS, "every day", "each day", "daily"),
    **_all(
        "HOLIDAY", None, "holiday", "holidays", "public holiday", "public holidays", "bank holiday", "bank holidays"
    ),
    **_all("EVERY", None, "every", "each"),
    **_all("EXCEPT", None, "except", "except on", "but not", "but not on", "not on", "apart from", "other than on"),
    **_all("STATE", (_STATE.OPEN,), "during opening hours", "during business hours", "during opening times"),
    **_all(
        "STATE", (_STATE.CLOSED, _STATE.OPENING, _STATE.CLOSING), "outside opening hours", "outside of opening hours"
    ),
    **_all("STATE", (_STATE.CLOSED, _STATE.OPENING, _STATE.CLOSING), "outside business hours", "out of hours"),
    **_all("STATE", (_STATE.CLOSED,), "after hours", "after-hours", "during closed hours"),
    **_all("STATE", (_STATE.CLOSING, _STATE.CLOSED), "after closing", "after closing time"),
    **_all("STATE", (_STATE.CLOSED, _STATE.OPENING), "before opening", "before opening time"),
    **_all("STATE", (_STATE.OPENING,), "while staff prepare", "while opening"),
    **_all("STATE", (_STATE.CLOSING,), "while closing"),
    **_all("STATE", (_STATE.SPECIAL_EVENT,), "during special events", "during a special event"),
    **_all("STORE", None, "store", "shop", "site", "we", "we're", "branch", "business", "building"),
    **_all("STORE", None, "premises"),
    **_all("CLOSED", _STATE.CLOSED, "closed", "shut"),
    **_all("OPEN", _STATE.OPEN, "open"),
    **_all("WHILE", None, "while"),
    # how much, how long, how often
    **_all("MORE", None, "more than", "longer than", "over", "greater than", "above", "exceeding"),
    **_all("LEAST", None, "at least", "no fewer than", "no less than", "minimum"),
    **_all("FEWER", None, "fewer than", "less than", "under", "below"),
    **_all("MOST", None, "at most", "no more than", "not more than", "max", "maximum", "up to"),
    **_all("OR_MORE", None, "or more"),
    **_all("FASTER", None, "faster than", "quicker than"),
    **_all("FOR", None, "for"),
    **_all("UNIT", 1.0, "second", "seconds", "sec", "secs", "s"),
    **_all("UNIT", 60.0, "minute", "minutes", "min", "mins"),
    **_all("UNIT", 3600.0, "hour", "hours", "hr", "hrs", "h"),
    **_all("UNIT", 86400.0, "day", "days"),
    **_all("SPEED_UNIT", 1.0, "m/s", "metres per second", "meters per second", "metres a second", "meters a second"),
    **_all("SPEED_UNIT", 1 / 3.6, "km/h", "kph", "kilometres per hour", "kilometers per hour", "kilometres an hour"),
    **_all("SPEED_UNIT", 0.44704, "mph", "miles per hour", "miles an hour"),
    **_all("SPEED_UNIT", None, "heights per second", "heights a second"),
    **_all("ONCE", 1, "once"),
    **_all("TWICE", 2, "twice"),
    **_all("TIMES", None, "times", "alerts", "alarms"),
    **_all("PER", None, "per"),
    # how bad
    **_all("AS", None, "as", "with", "at severity"),
    **_all("SEVERITY_WORD", None, "severity", "priority", "importance"),
    **{word.value: ("SEVERITY", word) for word in Severity if word is not Severity.NONE},
    # between the others
    **_all("AND", None, "and", "&"),
    **_all("OR", None, "or"),
}

ZONE_KIND_WORDS: dict[str, ZoneKind] = {
    **dict.fromkeys(("entrance", "entry", "door", "doors", "doorway"), ZoneKind.ENTRANCE),
    **dict.fromkeys(("aisle", "aisles"), ZoneKind.AISLE),
    **dict.fromkeys(("till", "tills", "checkout", "counter", "cash register", "cash desk", "register"), ZoneKind.TILL),
    **dict.fromkeys(("staff only", "staff-only"), ZoneKind.STAFF_ONLY),
    **dict.fromkeys(("stockroom", "stock room", "storeroom", "storage room"), ZoneKind.STOCKROOM),
    **dict.fromkeys(("walkway", "sidewalk", "pavement", "footpath"), ZoneKind.WALKWAY),
    **dict.fromkeys(("road", "street"), ZoneKind.ROAD),
    **dict.fromkeys(("parking", "parking lot", "car park"), ZoneKind.PARKING),
    **dict.fromkeys(("delivery bay", "loading bay", "loading dock"), ZoneKind.DELIVERY_BAY),
}
"""What zones of a kind are called, where no zone has that name."""

_COUNTED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_TENS = {"thirty": 30.0, "forty": 40.0, "forty-five": 45.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0}
NUMBER_WORDS = {word: float(number) for number, word in enumerate(_COUNTED)} | _TENS
