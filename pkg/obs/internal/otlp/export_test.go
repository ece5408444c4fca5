package otlp

import "time"

// Hasten makes the waits between tries short.
func (c *Client) Hasten() {
	c.retry.InitialInterval, c.retry.MaxInterval = time.Millisecond, time.Millisecond
}
