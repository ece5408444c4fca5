package api

import "time"

// DeadWorkRequest asks for what a service could not hand over.
type DeadWorkRequest struct {
	Limit int `json:"limit"` // at most 500; 0 is 100
}

// DeadWork is work that is not tried any more.
type DeadWork struct {
	ID          int64     `json:"id"`
	Topic       string    `json:"topic"`
	Key         string    `json:"key"`
	Attempts    int       `json:"attempts"`
	Error       string    `json:"error"`
	CreatedTime time.Time `json:"created_time"`
}

// DeadWorkList is dead work, the longest dead first.
type DeadWorkList struct {
	Work []DeadWork `json:"work"`
}

// RetryWorkRequest tries dead work again.
type RetryWorkRequest struct {
	ID int64 `json:"id"`
}
