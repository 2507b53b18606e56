"""Writes the calendars whose days follow from a law by computing: config/holidays/{us,de,fr}.yaml.

make.py FOLDER writes them there; make.py --check FOLDER fails when they differ. cn.yaml is written by hand: its
days are announced year by year.
"""
import datetime as dt
import pathlib
import sys

YEARS = range(2025, 2036)
DAY = dt.timedelta(days=1)


def easter(year):
    """Sunday, Gregorian (Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)


def nth(year, month, weekday, n):
    """The nth such weekday (Monday is 0) of the month; -1: the last."""
    days = [d for d in (dt.date(year, month, 1) + i * DAY for i in range(31)) if d.month == month]
    return [d for d in days if d.weekday() == weekday][n - 1 if n > 0 else n]


def observed(day):
    """A Saturday's is kept on Friday, a Sunday's on Monday (5 U.S.C. 6103(b), Executive Order 11582)."""
    return {day, day - DAY} if day.weekday() == 5 else {day, day + DAY} if day.weekday() == 6 else {day}


def us(year):
    days = {nth(year, 1, 0, 3), nth(year, 2, 0, 3), nth(year, 5, 0, -1), nth(year, 9, 0, 1), nth(year, 10, 0, 2),
            nth(year, 11, 3, 4)}
    for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)):
        days |= observed(dt.date(year, month, day))
    if dt.date(year + 1, 1, 1).weekday() == 5:
        days.add(dt.date(year, 12, 31))
    return {d for d in days if d.year == year}


def de(year):
    e = easter(year)
    return {e - 2 * DAY, e + DAY, e + 39 * DAY, e + 50 * DAY} | {
        dt.date(year, m, d) for m, d in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))}


def fr(year):
    e = easter(year)
    return {e + DAY, e + 39 * DAY, e + 50 * DAY} | {
        dt.date(year, m, d) for m, d in ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))}


CALENDARS = {
    "us": (us, "federal holidays of the United States, by 5 U.S.C. 6103, with the days on which they are kept"),
    "de": (de, "the holidays of all states of Germany (those of single states are not among them)"),
    "fr": (fr, "Code du travail, article L3133-1 (without Alsace-Moselle and overseas)"),
}


def text(name):
    of, source = CALENDARS[name]
    lines = ["# Written by make.py.", f"name: {name}", f"source: {source}", f"first: {YEARS[0]}-01-01",
             f"last: {YEARS[-1]}-12-31", "holidays:"]
    for year in YEARS:
        lines += [f"  - {day}" for day in sorted(of(year))]
    return "\n".join(lines) + "\n"


def main():
    check = sys.argv[1] == "--check"
    folder = pathlib.Path(sys.argv[-1])
    for name in CALENDARS:
        path = folder / f"{name}.yaml"
        if check and path.read_text(encoding="utf-8") != text(name):
            sys.exit(f"{path} differs: run config/holidays/make.py config/holidays")
        if not check:
            path.write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
