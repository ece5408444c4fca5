package compose

import (
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

// Time is a point in time as the API writes it: UTC, with microseconds.
type Time time.Time

const timeLayout = `"2006-01-02T15:04:05.000000Z"`

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(make([]byte, 0, len(timeLayout)), timeLayout), nil
}

func optionalTime(t *time.Time) *Time {
	if t == nil {
		return nil
	}
	converted := Time(*t)
	return &converted
}

const day = 24 * time.Hour

// daysSince counts whole days.
func daysSince(t, now time.Time) int { return max(int(now.Sub(t)/day), 0) }

// endOfTime stands for an expiration that never comes. Clients of the
// documented API compute with expiration_time and remaining_days, so both keep
// their types and lie beyond any date a client compares them to.
var endOfTime = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// expiration is when something ends and how long that still is.
type expiration struct {
	Time          Time   `json:"expiration_time"`
	RemainingDays int    `json:"remaining_days"`
	Remaining     string `json:"remaining_time"`
}

func (c Composer) expiration(at *time.Time) expiration {
	now := c.Now
	if at == nil {
		// A time.Duration ends after 292 years; whole seconds do not.
		left := endOfTime.Unix() - now.Unix()
		return expiration{
			Time:          Time(endOfTime),
			RemainingDays: int((left + int64(day/time.Second) - 1) / int64(day/time.Second)),
			Remaining:     c.Texts.Text(c.Language, "time.unlimited", nil),
		}
	}
	left := at.Sub(now)
	return expiration{
		Time:          Time(*at),
		RemainingDays: i18n.RemainingDays(left),
		Remaining:     c.Texts.Remaining(c.Language, left),
	}
}
