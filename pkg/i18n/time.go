package i18n

import "time"

const day = 24 * time.Hour

// The lengths behind Relative, in days. They are those of an age, not of a
// calendar: what is 57 days old is "1 month ago" whichever months those were.
const (
	daysPerMonth = 30
	daysPerYear  = 365
)

// Relative tells how long before or after now t is, in one unit and rounded
// down: "just now", "2 seconds ago", "yesterday", "1 month ago", "in 3 days".
func (c *Catalogue) Relative(l Language, t, now time.Time) string {
	d, direction := now.Sub(t), "past"
	if t.After(now) {
		d, direction = t.Sub(now), "future"
	}
	if d < time.Second {
		return c.Text(l, "time.now", nil)
	}
	if direction == "future" {
		// The clock has run on since the moment was set: "in 3 days" would
		// otherwise never be shown for three days from now.
		d = ceil(d, time.Second)
	}
	unit, count := unitOf(d)
	if unit == "day" && count == 1 {
		return c.Text(l, "time."+direction+".one_day", nil)
	}
	return c.Text(l, "time."+direction+"."+unit, map[string]any{"Count": count})
}

// unitOf splits a duration of at least a second into its largest unit and how
// often that fits.
func unitOf(d time.Duration) (unit string, count int) {
	days := int(d / day)
	switch {
	case d < time.Minute:
		return "second", int(d / time.Second)
	case d < time.Hour:
		return "minute", int(d / time.Minute)
	case d < day:
		return "hour", int(d / time.Hour)
	case days < daysPerMonth:
		return "day", days
	case days < daysPerYear:
		// Twelve times 30 days are not yet a year.
		return "month", min(days/daysPerMonth, 11)
	default:
		return "year", days / daysPerYear
	}
}

// Remaining is RemainingDays in words: "355 days", "1 day". For what never
// ends there is the text time.unlimited.
func (c *Catalogue) Remaining(l Language, d time.Duration) string {
	return c.Text(l, "time.days", map[string]any{"Count": RemainingDays(d)})
}

// RemainingDays counts the days that are left of d, one that has begun as a
// whole one; it is never negative.
func RemainingDays(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d-1)/day) + 1
}

// ceil rounds a positive d up to a multiple of unit, if that can be expressed.
func ceil(d, unit time.Duration) time.Duration {
	if up := d.Truncate(unit) + unit; up-unit != d && up > 0 {
		return up
	}
	return d
}
