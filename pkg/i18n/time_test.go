package i18n_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

const day = 24 * time.Hour

var now = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func TestRelative(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	tests := []struct {
		age             time.Duration // negative: in the future
		english, german string
	}{
		{0, "just now", "gerade eben"},
		{999 * time.Millisecond, "just now", "gerade eben"},
		{-999 * time.Millisecond, "just now", "gerade eben"},
		{time.Second, "1 second ago", "vor 1 Sekunde"},
		{2 * time.Second, "2 seconds ago", "vor 2 Sekunden"},
		{2999 * time.Millisecond, "2 seconds ago", "vor 2 Sekunden"},
		{59 * time.Second, "59 seconds ago", "vor 59 Sekunden"},
		{time.Minute, "1 minute ago", "vor 1 Minute"},
		{59*time.Minute + 59*time.Second, "59 minutes ago", "vor 59 Minuten"},
		{time.Hour, "1 hour ago", "vor 1 Stunde"},
		{day - time.Second, "23 hours ago", "vor 23 Stunden"},
		{day, "yesterday", "gestern"},
		{2*day - time.Second, "yesterday", "gestern"},
		{2 * day, "2 days ago", "vor 2 Tagen"},
		{29 * day, "29 days ago", "vor 29 Tagen"},
		{30 * day, "1 month ago", "vor 1 Monat"},
		{57 * day, "1 month ago", "vor 1 Monat"},
		{60 * day, "2 months ago", "vor 2 Monaten"},
		{364 * day, "11 months ago", "vor 11 Monaten"},
		{365 * day, "1 year ago", "vor 1 Jahr"},
		{800 * day, "2 years ago", "vor 2 Jahren"},

		{-time.Second, "in 1 second", "in 1 Sekunde"},
		{-2 * time.Second, "in 2 seconds", "in 2 Sekunden"},
		{-time.Minute, "in 1 minute", "in 1 Minute"},
		{-5 * time.Minute, "in 5 minutes", "in 5 Minuten"},
		{-time.Hour, "in 1 hour", "in 1 Stunde"},
		{-2 * time.Hour, "in 2 hours", "in 2 Stunden"},
		{-day, "tomorrow", "morgen"},
		{-3 * day, "in 3 days", "in 3 Tagen"},
		{-3*day + time.Millisecond, "in 3 days", "in 3 Tagen"},
		{-30 * day, "in 1 month", "in 1 Monat"},
		{-90 * day, "in 3 months", "in 3 Monaten"},
		{-365 * day, "in 1 year", "in 1 Jahr"},
		{-730 * day, "in 2 years", "in 2 Jahren"},
	}
	for _, tt := range tests {
		t.Run(tt.age.String(), func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.english, c.Relative(i18n.English, now.Add(-tt.age), now))
			assert.Equal(t, tt.german, c.Relative(i18n.German, now.Add(-tt.age), now))
		})
	}
}

// A Duration holds 292 years; further off, the answer must still be a number
// of years and not an overflow.
func TestRelativeAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	assert.Equal(t, "292 years ago", c.Relative(i18n.English, time.Time{}, now))
	assert.Equal(t, "in 292 years", c.Relative(i18n.English, now.AddDate(9000, 0, 0), now))
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	tests := []struct {
		left            time.Duration
		days            int
		english, german string
	}{
		{-time.Hour, 0, "0 days", "0 Tage"},
		{0, 0, "0 days", "0 Tage"},
		{time.Nanosecond, 1, "1 day", "1 Tag"},
		{day, 1, "1 day", "1 Tag"},
		{day + time.Nanosecond, 2, "2 days", "2 Tage"},
		{30*day - time.Millisecond, 30, "30 days", "30 Tage"},
		{355 * day, 355, "355 days", "355 Tage"},
		{1<<63 - 1, 106752, "106752 days", "106752 Tage"},
	}
	for _, tt := range tests {
		t.Run(tt.left.String(), func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.days, i18n.RemainingDays(tt.left))
			assert.Equal(t, tt.english, c.Remaining(i18n.English, tt.left))
			assert.Equal(t, tt.german, c.Remaining(i18n.German, tt.left))
		})
	}
	assert.Equal(t, "unlimited", c.Text(i18n.English, "time.unlimited", nil))
	assert.Equal(t, "unbegrenzt", c.Text(i18n.German, "time.unlimited", nil))
}
