package discovery

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-kit/log"
)

// Logger gives go-kit's components the process's logger. Go-kit marks what went
// wrong with the key "err", and knows no message and, here, no level: such a
// record becomes a warning, any other one debug output.
func Logger(logger *slog.Logger, component string) log.Logger {
	logger = logger.With("component", component)
	return log.LoggerFunc(func(keyvals ...any) error {
		level := slog.LevelDebug
		attrs := make([]slog.Attr, 0, len(keyvals)/2)
		for i := 0; i+1 < len(keyvals); i += 2 {
			key := fmt.Sprint(keyvals[i])
			if key == "err" {
				key, level = "error", slog.LevelWarn
			}
			attrs = append(attrs, slog.Any(key, keyvals[i+1]))
		}
		logger.LogAttrs(context.Background(), level, "go-kit", attrs...)
		return nil
	})
}
