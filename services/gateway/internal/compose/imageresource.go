package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/accounts"

// ImageOf is the document of a picture, without its bytes.
func ImageOf(i accounts.Image) Image { return *image(&i) }
