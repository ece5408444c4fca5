package mtls

// Reload tries to use the files n times, as so many polls would. The identity
// must have been closed.
func (i *Identity) Reload(n int) {
	var r reading
	for range n {
		r = i.reload(r)
	}
}
