package token

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecondsKeepTheMicrosecond(t *testing.T) {
	t.Parallel()
	for text, micros := range map[string]int64{
		"1710350555.824085": 1710350555824085,
		"1710350555.000001": 1710350555000001,
		"1710350555.000000": 1710350555000000,
		"0.000000":          0,
		"9007199254.740993": 9007199254740993, // a float64 would lose the last digit
	} {
		got, err := json.Marshal(At(time.UnixMicro(micros)))
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
		var s Seconds
		require.NoError(t, json.Unmarshal([]byte(text), &s))
		assert.Equal(t, micros, s.UnixMicro())
	}
}

func TestSecondsReadWhatOthersWrite(t *testing.T) {
	t.Parallel()
	for text, micros := range map[string]int64{"1656577712": 1656577712e6, "1.5": 1500000, "1.1234567": 1123456} {
		var s Seconds
		require.NoError(t, json.Unmarshal([]byte(text), &s), text)
		assert.Equal(t, micros, s.UnixMicro(), text)
	}
	for _, text := range []string{"-1", "1e9", "1.5e3", `"1710350555"`, "true", "null", "[]", "99999999999999999999", "9223372036854775807"} {
		var s Seconds
		require.Error(t, json.Unmarshal([]byte(text), &s), text)
	}
}

func TestSecondsRefuseTimesBefore1970(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(At(time.Unix(-1, 0)))
	require.Error(t, err)
}
