"""What users write, each with the fields of the rule that they expect; the others are as usual."""

from typing import Any

WORKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
WITHOUT_SUNDAY = [*WORKDAYS, "saturday"]

UNDERSTOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "Alert me if a person enters after 10 PM",
        {"deed": "enter", "kinds": ["person"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "vehicles moving against traffic flow in the delivery bay",
        {"deed": "against_flow", "kinds": ["vehicle"], "zones": ["delivery bay"]},
    ),
    (
        "anyone loitering near the till for more than two minutes on Sundays",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 120.0,
            "when": {"days": ["sunday"]},
        },
    ),
    (
        "loitering on the sidewalk in front of my store after midnight, more than 15 s",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["sidewalk"],
            "limit": 15.0,
            "when": {"start": "00:00", "end": "06:00"},
        },
    ),
    (
        "Tell me when more than five people are at till 1",
        {"deed": "count", "kinds": ["person"], "zones": ["till 1"], "limit": 6.0},
    ),
    (
        "Nobody should be in the stockroom after 8 pm",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "limit": 1.0,
            "when": {"start": "20:00", "end": "06:00"},
        },
    ),
    (
        "alert me if nobody is at the till for 5 minutes during opening hours",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 0.0,
            "comparison": "at_most",
            "lasting_s": 300.0,
            "when": {"states": ["open"]},
        },
    ),
    ("Let me know whenever someone falls", {"deed": "fall", "kinds": ["person"]}),
    ("a bag left at the entrance for more than 1 minute", {"deed": "left_object", "zones": ["doors"], "limit": 60.0}),
    ("unattended luggage near the doors", {"deed": "left_object", "zones": ["doors"]}),
    ("warn me if someone runs through the doors", {"deed": "speed", "kinds": ["person"], "zones": ["doors"]}),
    (
        "someone crosses the threshold at night",
        {"deed": "line_crossed", "kinds": ["person"], "line": "threshold", "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "After dark, alert me if a car stops on the sidewalk for longer than 30 seconds",
        {
            "deed": "stopped",
            "kinds": ["vehicle"],
            "zones": ["sidewalk"],
            "limit": 30.0,
            "when": {"start": "sunset", "end": "sunrise"},
        },
    ),
    (
        "people leaving the stockroom between 10:30 pm and 5 am on weekdays",
        {
            "deed": "leave",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "when": {"days": WORKDAYS, "start": "22:30", "end": "05:00"},
        },
    ),
    (
        "notify me at most once an hour if a crowd gathers at the doors",
        {"deed": "crowd", "zones": ["doors"], "cooldown_s": 3600.0},
    ),
    (
        "people in the delivery bey at weekends",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["delivery bay"],
            "limit": 1.0,
            "when": {"days": ["saturday", "sunday"]},
        },
    ),
    (
        "vehicles driving faster than 20 km/h in the delivery bay",
        {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 3.268},
    ),
    (
        "alert me when there is a person in the stockroom after closing as critical",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "limit": 1.0,
            "when": {"states": ["closing", "closed"]},
            "severity": "critical",
        },
    ),
    (
        "no vehicles are allowed in the delivery bay on Sundays",
        {"deed": "count", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 1.0, "when": {"days": ["sunday"]}},
    ),
    (
        "fewer than 2 people at till 2 for 10 minutes while we're open",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 2"],
            "limit": 1.0,
            "comparison": "at_most",
            "lasting_s": 600.0,
            "when": {"states": ["open"]},
        },
    ),
    (
        "anything unusual at the entrance at night",
        {"deed": "unusual", "zones": ["doors"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "notify me if a bike crosses the threshold from 9 pm to 6 am, at most 3 times an hour",
        {
            "deed": "line_crossed",
            "kinds": ["bicycle"],
            "line": "threshold",
            "when": {"start": "21:00", "end": "06:00"},
            "most_per_hour": 3,
        },
    ),
    (
        "someone hangs around the sidewalk for half an hour every Friday night",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["sidewalk"],
            "limit": 1800.0,
            "when": {"days": ["friday"], "start": "22:00", "end": "06:00"},
        },
    ),
    (
        "alert me if someone parks in the delivery bay outside opening hours",
        {
            "deed": "stopped",
            "kinds": ["vehicle"],
            "zones": ["delivery bay"],
            "when": {"states": ["closed", "opening", "closing"]},
        },
    ),
    (
        "Alert me if anyone is in the store when we are closed",
        {"deed": "count", "kinds": ["person"], "limit": 1.0, "when": {"states": ["closed"]}},
    ),
    (
        "Tell me if a car parks on the sidewalk for longer than 10 minutes",
        {"deed": "stopped", "kinds": ["vehicle"], "zones": ["sidewalk"], "limit": 600.0},
    ),
    (
        "If someone enters the stockroom after 9 pm, alert me",
        {"deed": "enter", "kinds": ["person"], "zones": ["stockroom"], "when": {"start": "21:00", "end": "06:00"}},
    ),
    (
        "Whenever a vehicle enters the delivery bay outside opening hours let me know",
        {
            "deed": "enter",
            "kinds": ["vehicle"],
            "zones": ["delivery bay"],
            "when": {"states": ["closed", "opening", "closing"]},
        },
    ),
    (
        "No one is allowed in the stockroom on public holidays",
        {"deed": "count", "kinds": ["person"], "zones": ["stockroom"], "limit": 1.0, "when": {"holidays": True}},
    ),
    (
        "People must not enter the stockroom at night",
        {"deed": "enter", "kinds": ["person"], "zones": ["stockroom"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "Warn me when more than 3 people stand at the till for over 5 minutes",
        {"deed": "count", "kinds": ["person"], "zones": ["till 1", "till 2"], "limit": 4.0, "lasting_s": 300.0},
    ),
    (
        "Alert us if two or more people are in the stockroom",
        {"deed": "count", "kinds": ["person"], "zones": ["stockroom"], "limit": 2.0},
    ),
    ("a crowd of people at the doors", {"deed": "crowd", "zones": ["doors"]}),
    (
        "Notify me if there are more than 10 people at the entrance",
        {"deed": "count", "kinds": ["person"], "zones": ["doors"], "limit": 11.0},
    ),
    (
        "queue of more than 4 people at till 1 for 3 minutes",
        {"deed": "count", "kinds": ["person"], "zones": ["till 1"], "limit": 5.0, "lasting_s": 180.0},
    ),
    ("someone lying on the floor near till 2", {"deed": "fall", "kinds": ["person"], "zones": ["till 2"]}),
    (
        "Tell me at once if somebody collapses, as critical",
        {"deed": "fall", "kinds": ["person"], "severity": "critical"},
    ),
    (
        "notify me with high priority when a person falls down anywhere",
        {"deed": "fall", "kinds": ["person"], "severity": "high"},
    ),
    ("Let me know if someone leaves a bag at the doors", {"deed": "left_object", "zones": ["doors"]}),
    ("an abandoned suitcase in the delivery bay", {"deed": "left_object", "zones": ["delivery bay"]}),
    (
        "Alert me if anything is left behind in the stockroom for half an hour",
        {"deed": "left_object", "zones": ["stockroom"], "limit": 1800.0},
    ),
    ("tell me about people running", {"deed": "speed", "kinds": ["person"]}),
    ("Alert me if someone is running in the stockroom", {"deed": "speed", "kinds": ["person"], "zones": ["stockroom"]}),
    (
        "bicycles on the sidewalk on weekdays between 8:00 and 18:00",
        {
            "deed": "count",
            "kinds": ["bicycle"],
            "zones": ["sidewalk"],
            "limit": 1.0,
            "when": {"days": WORKDAYS, "start": "08:00", "end": "18:00"},
        },
    ),
    (
        "cyclists riding the wrong way in the delivery bay",
        {"deed": "against_flow", "kinds": ["bicycle"], "zones": ["delivery bay"]},
    ),
    (
        "a vehicle driving in the wrong direction in the delivery bay before 6 am",
        {
            "deed": "against_flow",
            "kinds": ["vehicle"],
            "zones": ["delivery bay"],
            "when": {"start": "00:00", "end": "06:00"},
        },
    ),
    (
        "anybody who crosses the threshold after sunset",
        {"deed": "line_crossed", "kinds": ["person"], "line": "threshold", "when": {"start": "sunset", "end": "06:00"}},
    ),
    (
        "someone going over the threshold between sunset and sunrise",
        {
            "deed": "line_crossed",
            "kinds": ["person"],
            "line": "threshold",
            "when": {"start": "sunset", "end": "sunrise"},
        },
    ),
    (
        "alert me if a person crosses the threshold between 30 minutes after sunset and sunrise",
        {
            "deed": "line_crossed",
            "kinds": ["person"],
            "line": "threshold",
            "when": {"start": "sunset+00:30", "end": "sunrise"},
        },
    ),
    (
        "warn me when somebody hides in the stockroom for more than 1 minute and 30 seconds",
        {"deed": "dwell", "kinds": ["person"], "zones": ["stockroom"], "limit": 90.0},
    ),
    (
        "loitering at the doors overnight except on Sundays",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 60.0,
            "when": {"days": WITHOUT_SUNDAY, "start": "22:00", "end": "06:00"},
        },
    ),
    (
        "loitering near the entrance on Fridays and Saturdays from 10 pm to 4 am",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 60.0,
            "when": {"days": ["friday", "saturday"], "start": "22:00", "end": "04:00"},
        },
    ),
    (
        "Monday to Friday, tell me when someone enters the doors before 7:00",
        {
            "deed": "enter",
            "kinds": ["person"],
            "zones": ["doors"],
            "when": {"days": WORKDAYS, "start": "00:00", "end": "07:00"},
        },
    ),
    (
        "every day between midnight and 5 am a person in the delivery bay",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["delivery bay"],
            "limit": 1.0,
            "when": {"start": "00:00", "end": "05:00"},
        },
    ),
    ("tell me when anything unusual happens at the till", {"deed": "unusual", "zones": ["till 1", "till 2"]}),
    (
        "Alert me when there's strange behaviour near the doors after dark",
        {"deed": "unusual", "zones": ["doors"], "when": {"start": "sunset", "end": "sunrise"}},
    ),
    ("unusual activity on camera back", {"deed": "unusual", "cameras": ["back"]}),
    (
        "alert me if a person appears on the entrance camera after hours",
        {"deed": "count", "kinds": ["person"], "cameras": ["entrance"], "limit": 1.0, "when": {"states": ["closed"]}},
    ),
    (
        "someone waits on the sidewalk for longer than five minutes, at most once every 15 minutes",
        {"deed": "dwell", "kinds": ["person"], "zones": ["sidewalk"], "limit": 300.0, "cooldown_s": 900.0},
    ),
    (
        "not more than twice an hour, alert me if people loiter at the doors",
        {"deed": "dwell", "kinds": ["person"], "zones": ["doors"], "limit": 60.0, "most_per_hour": 2},
    ),
    (
        "alert me no more than 3 times an hour when a bike enters the sidewalk",
        {"deed": "enter", "kinds": ["bicycle"], "zones": ["sidewalk"], "most_per_hour": 3},
    ),
    ("speeding cars in the delivery bay", {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"]}),
    ("cars going too fast in the delivery bay", {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"]}),
    (
        "a car faster than 15 mph in the delivery bay",
        {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 3.944},
    ),
    ("vehicels stopping in the delivery bay", {"deed": "stopped", "kinds": ["vehicle"], "zones": ["delivery bay"]}),
    (
        "poeple in the stokroom after 10pm",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "limit": 1.0,
            "when": {"start": "22:00", "end": "06:00"},
        },
    ),
    (
        "Tell me when nobody is at till 1 or till 2 for 2 minutes while the shop is open",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 0.0,
            "comparison": "at_most",
            "lasting_s": 120.0,
            "when": {"states": ["open"]},
        },
    ),
    (
        "fewer than two people at the tills during opening hours for 10 min",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 1.0,
            "comparison": "at_most",
            "lasting_s": 600.0,
            "when": {"states": ["open"]},
        },
    ),
    (
        "at least 1 person at the doors after 11:30 p.m.",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 1.0,
            "when": {"start": "23:30", "end": "06:00"},
        },
    ),
    (
        "someone exits the stockroom in the evening",
        {"deed": "leave", "kinds": ["person"], "zones": ["stockroom"], "when": {"start": "18:00", "end": "22:00"}},
    ),
    (
        "a person goes out of the stockroom after closing time",
        {"deed": "leave", "kinds": ["person"], "zones": ["stockroom"], "when": {"states": ["closing", "closed"]}},
    ),
    (
        "alert me if someone gets out of the stockroom with high severity on weekends but not on holidays",
        {
            "deed": "leave",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "when": {"days": ["saturday", "sunday"], "holidays": False},
            "severity": "high",
        },
    ),
    (
        "parked cars on the sidewalk from 10 pm until 6 am",
        {"deed": "stopped", "kinds": ["vehicle"], "zones": ["sidewalk"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "until 6 am people at the doors",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 1.0,
            "when": {"start": "00:00", "end": "06:00"},
        },
    ),
    (
        "Please alert us when a person walks into the stockroom on a Sunday",
        {"deed": "enter", "kinds": ["person"], "zones": ["stockroom"], "when": {"days": ["sunday"]}},
    ),
    (
        "I want to know when somebody stands near the doors for more than 90 seconds after hours",
        {"deed": "dwell", "kinds": ["person"], "zones": ["doors"], "limit": 90.0, "when": {"states": ["closed"]}},
    ),
    (
        "Tell me if there is anyone in the delivery bay between 11 pm and 5:30 am",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["delivery bay"],
            "limit": 1.0,
            "when": {"start": "23:00", "end": "05:30"},
        },
    ),
    (
        "alert me if a vehicle stands still in the delivery bay for more than 20 minutes",
        {"deed": "stopped", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 1200.0},
    ),
    (
        "warn us when people gather on the sidewalk for at least 2 minutes",
        {"deed": "crowd", "zones": ["sidewalk"], "lasting_s": 120.0},
    ),
    (
        "low severity alert if a person lingers at till 2 for more than 3 minutes",
        {"deed": "dwell", "kinds": ["person"], "zones": ["till 2"], "limit": 180.0, "severity": "low"},
    ),
    (
        "Nobody may enter the delivery bay on weekends",
        {"deed": "enter", "kinds": ["person"], "zones": ["delivery bay"], "when": {"days": ["saturday", "sunday"]}},
    ),
    (
        "vehicles aren't allowed on the sidewalk",
        {"deed": "count", "kinds": ["vehicle"], "zones": ["sidewalk"], "limit": 1.0},
    ),
    (
        "let us know when a package is left at the doors for over 10 minutes",
        {"deed": "left_object", "zones": ["doors"], "limit": 600.0},
    ),
    (
        "alert me if someone drives into the delivery bay before opening",
        {"deed": "enter", "kinds": ["vehicle"], "zones": ["delivery bay"], "when": {"states": ["closed", "opening"]}},
    ),
    ("a car enters after 9 am", {"deed": "enter", "kinds": ["vehicle"], "when": {"start": "09:00", "end": "24:00"}}),
    ("running", {"deed": "speed", "kinds": ["person"]}),
    ("people at the doors around the clock", {"deed": "count", "kinds": ["person"], "zones": ["doors"], "limit": 1.0}),
    (
        "people at the doors for more than 15s except on Sundays and holidays",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 1.0,
            "lasting_s": 15.0,
            "when": {"days": WITHOUT_SUNDAY, "holidays": False},
        },
    ),
    (
        "people on camera back or the tills camera after ten pm",
        {
            "deed": "count",
            "kinds": ["person"],
            "cameras": ["back", "tills"],
            "limit": 1.0,
            "when": {"start": "22:00", "end": "06:00"},
        },
    ),
]
