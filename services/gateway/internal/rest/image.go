package rest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
)

// ownImage is GET /v1/image.
func (a *API) ownImage(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	described, err := a.deps.Flow.Current(r.Context(), caller)
	if err != nil {
		return reply{}, err
	}
	if described.User.Image == nil {
		return reply{}, fault.New(fault.NotFound, "")
	}
	return ok(compose.ImageOf(*described.User.Image)), nil
}

// setImage is POST /v1/image.
func (a *API) setImage(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	leave, err := a.uploads.Take(actor(caller).User, uploadSize(r))
	if err != nil {
		return reply{}, err
	}
	defer leave()
	data, err := readImage(r)
	if err != nil {
		return reply{}, err
	}
	image, err := a.deps.Accounts.SetImage(r.Context(), accounts.SetImageRequest{Actor: actor(caller), Data: data})
	if err != nil {
		return reply{}, err
	}
	return created(compose.ImageOf(image)), nil
}

const (
	// uploadsHeld is how much of pictures is read and passed on at a time, in bytes. Each
	// takes a few times that meanwhile.
	uploadsHeld = 4 * edge.MaxUpload
	// uploadWait is told to whom there is no place for.
	uploadWait = 2 * time.Second
)

// uploadSize is what a body takes at most.
func uploadSize(r *http.Request) int64 {
	if r.ContentLength >= 0 {
		return r.ContentLength // no more of it is read, and the edge has bounded it
	}
	return edge.MaxUpload
}

// readImage takes a picture from the body, or from a form in it. Which picture
// it is, and whether it is one, the accounts service finds out by itself.
func readImage(r *http.Request) ([]byte, error) {
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, edge.ErrUnsupportedMediaType()
	}
	switch mediaType {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		data, err := readPicture(r.Body)
		if err == nil && len(data) == 0 {
			err = fault.Field("image", "validation.required")
		}
		return data, err
	case "multipart/form-data":
		return readForm(multipart.NewReader(r.Body, parameters["boundary"]))
	}
	return nil, edge.ErrUnsupportedMediaType()
}

// readForm takes the one field that the form has to have.
func readForm(form *multipart.Reader) (data []byte, err error) {
	var v fault.Violations
	there, wrong := false, 0
	for wrong < maxWrongFields {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, brokenForm(err)
		}
		content, err := readPicture(part)
		switch {
		case err != nil:
			return nil, err
		case part.FormName() != "image":
			v.Add(shortened(part.FormName()), "validation.unknown_field")
			wrong++
		case there:
			v.Add("image", "validation.once")
			wrong++
		default:
			data, there = content, true
		}
	}
	if len(data) == 0 {
		v.Add("image", "validation.required")
	}
	return data, v.Err()
}

// maxWrongFields bounds how many fields of a form are read in vain, and named: a
// body has room for many that have the same name, or none.
const maxWrongFields = 20

// shortened keeps an answer from echoing a name at any length.
func shortened(name string) string {
	runes := []rune(name)
	return string(runes[:min(len(runes), 64)])
}

// readPicture reads no more than a picture may have.
func readPicture(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, accounts.MaxImage+1))
	if err != nil {
		return nil, brokenForm(err)
	}
	if len(data) > accounts.MaxImage {
		return nil, edge.ErrTooLarge()
	}
	return data, nil
}

func brokenForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return edge.ErrTooLarge()
	}
	return &edge.Refusal{Status: http.StatusBadRequest, Fault: fault.New(fault.Invalid, "fault.malformed_form").Because(err)}
}

// image is GET /v1/image/{image}: the bytes.
func (a *API) image(w http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := imageRequest(r)
	if err != nil {
		return reply{}, err
	}
	content, err := a.deps.Accounts.GetImage(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	h := w.Header()
	private(h)
	h.Set("Content-Type", content.Image.MIME)
	h.Set("ETag", `"`+envelope.Hash(content.Data)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content.Data))
	return sent, nil
}

// removeImage is DELETE /v1/image/{image}.
func (a *API) removeImage(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := imageRequest(r)
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.RemoveImage(r.Context(), in)
	return done(err)
}

func imageRequest(r *http.Request) (accounts.ImageRequest, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return accounts.ImageRequest{}, err
	}
	named, err := ref(r, "image")
	return accounts.ImageRequest{Actor: actor(caller), Image: named}, err
}
