package media

import (
	"strings"

	"rochdale/internal/kit/db"
)

// Service keeps attachments.
type Service struct {
	db *db.DB
}

// New makes the service.
func New(d *db.DB) *Service { return &Service{db: d} }

func kindOf(contentType string) string {
	switch kind, _, _ := strings.Cut(contentType, "/"); kind {
	case "image", "video", "audio":
		return kind
	}
	return "unknown"
}
