package token

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Seconds is a NumericDate (RFC 7519 section 2) with a fraction of six digits,
// such as 1710350555.824085. It goes through JSON without passing through a
// float64, so the microsecond that was written is the one that is read.
type Seconds struct{ time.Time }

// At is t, cut to the microsecond.
func At(t time.Time) Seconds { return Seconds{t.Truncate(time.Microsecond).UTC()} }

// MarshalJSON writes a number. Times before 1970 are refused.
func (s Seconds) MarshalJSON() ([]byte, error) {
	micros := s.UnixMicro()
	if micros < 0 {
		return nil, fmt.Errorf("token: %s is before 1970", s.Time)
	}
	return fmt.Appendf(nil, "%d.%06d", micros/1e6, micros%1e6), nil
}

var errSeconds = errors.New("token: not a number of seconds since 1970")

// maxSeconds keeps the microseconds within an int64: the year 294246.
const maxSeconds = math.MaxInt64/1_000_000 - 1

// UnmarshalJSON reads a plain decimal number, with or without a fraction, of
// which digits beyond the sixth do not count.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	whole, fraction, _ := strings.Cut(string(text), ".")
	seconds, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || seconds > maxSeconds {
		return errSeconds
	}
	fraction = (fraction + "000000")[:6]
	micros, err := strconv.ParseUint(fraction, 10, 32)
	if err != nil {
		return errSeconds
	}
	s.Time = time.Unix(int64(seconds), int64(micros)*1000).UTC()
	return nil
}
