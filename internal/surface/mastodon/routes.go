package mastodon

import (
	"time"

	"rochdale/internal/kit/web"
)

// Budgets for strangers, per address.
var (
	newApps   = web.Limit{Events: 60, Per: 10 * time.Minute}
	newTokens = web.Limit{Events: 120, Per: 10 * time.Minute}
	uploads   = web.Limit{Events: 240, Per: 30 * time.Minute}
	lookups   = web.Limit{Events: 300, Per: 5 * time.Minute} // those that may ask other servers
	streams   = web.Limit{Events: 300, Per: 5 * time.Minute}
)

// Why these acts need no authority of the co-op's.
const (
	ownPost    = "none: a member's own posts"
	ownMark    = "none: a member's own marks on posts"
	ownCircle  = "none: whom a member follows, mutes or blocks"
	ownProfile = "none: a member's own profile and settings"
	ownNotices = "none: a member's own notices"
	ownApp     = "none: an app acts for nobody until a member lets it in"
	nothing    = "none: it changes nothing here"
)

// Routes are the addresses of the API, all of them.
func (s *Service) Routes() []web.Route {
	var out []web.Route
	get := func(path, scope string, h handler) {
		out = append(out, web.Route{Pattern: "GET " + path, Style: web.API, Handler: s.require(scope, h)})
	}
	do := func(pattern, scope, act string, h handler) {
		out = append(out, web.Route{Pattern: pattern, Style: web.API, Handler: s.require(scope, h), Act: act})
	}
	with := func(change func(*web.Route)) { change(&out[len(out)-1]) }

	// Who is let in.
	do("POST /api/v1/apps", anybody, ownApp, createApp)
	with(func(r *web.Route) { r.Limit = newApps })
	get("/api/v1/apps/verify_credentials", anApp, verifyApp)
	out = append(out,
		web.Route{Pattern: "POST /oauth/token", Style: web.API, Handler: s.oauth(token), Act: ownApp, Limit: newTokens},
		web.Route{Pattern: "POST /oauth/revoke", Style: web.API, Handler: s.oauth(revokeToken), Act: ownApp, Limit: newTokens})
	out = append(out, web.Route{Pattern: "GET /oauth/authorize/{$}", Style: web.Page, Handler: slashed})
	get("/oauth/userinfo", "profile|read:accounts", userinfo)
	do("POST /oauth/userinfo", "profile|read:accounts", nothing, userinfo)
	get("/.well-known/oauth-authorization-server", anybody, oauthMetadata)

	// The place.
	get("/api/v1/instance", anybody, instanceV1)
	get("/api/v2/instance", anybody, instanceV2)
	get("/api/v1/instance/peers", anybody, instancePeers)
	get("/api/v1/instance/rules", anybody, instanceRules)
	get("/api/v1/instance/activity", anybody, instanceActivity)
	get("/api/v1/instance/extended_description", anybody, extendedDescription)
	get("/api/v1/instance/domain_blocks", anybody, domainBlocks)
	get("/api/v1/instance/translation_languages", anybody, emptyObject)
	get("/api/v1/custom_emojis", anybody, emptyList)
	get("/api/v1/directory", anybody, directory)
	out = append(out, web.Route{Pattern: "GET /health", Style: web.Plain, Handler: health})

	// Accounts.
	get("/api/v1/accounts/verify_credentials", "profile|read:accounts", verifyCredentials)
	do("PATCH /api/v1/accounts/update_credentials", "write:accounts", ownProfile, updateCredentials)
	with(func(r *web.Route) { r.MaxBody, r.Limit = 2*maxUpload, uploads })
	do("DELETE /api/v1/profile/avatar", "write:accounts", ownProfile, removePicture("avatar"))
	do("DELETE /api/v1/profile/header", "write:accounts", ownProfile, removePicture("header"))
	get("/api/v1/accounts", optional+"read:accounts", getAccountsByID)
	get("/api/v1/accounts/lookup", anybody, lookupAccount)
	get("/api/v1/accounts/search", "read:accounts", searchAccounts)
	with(func(r *web.Route) { r.Limit = lookups })
	get("/api/v1/accounts/relationships", "read:follows", relationships)
	get("/api/v1/accounts/familiar_followers", "read:follows", familiarFollowers)
	get("/api/v1/accounts/{id}", optional+"read:accounts", getAccount)
	get("/api/v1/accounts/{id}/statuses", optional+"read:statuses", accountStatuses)
	get("/api/v1/accounts/{id}/followers", optional+"read:accounts", followers)
	get("/api/v1/accounts/{id}/following", optional+"read:accounts", following)
	get("/api/v1/accounts/{id}/featured_tags", anybody, emptyList)
	get("/api/v1/accounts/{id}/endorsements", anybody, emptyList)
	get("/api/v1/accounts/{id}/identity_proofs", anybody, emptyList)
	get("/api/v1/accounts/{id}/lists", "read:lists", emptyList)
	do("POST /api/v1/accounts/{id}/follow", "write:follows", ownCircle, relating(follow))
	do("POST /api/v1/accounts/{id}/unfollow", "write:follows", ownCircle, relating(unfollow))
	do("POST /api/v1/accounts/{id}/remove_from_followers", "write:follows", ownCircle, relating(removeFollower))
	do("POST /api/v1/accounts/{id}/block", "write:blocks", ownCircle, relating(block))
	do("POST /api/v1/accounts/{id}/unblock", "write:blocks", ownCircle, relating(unblock))
	do("POST /api/v1/accounts/{id}/mute", "write:mutes", ownCircle, relating(mute))
	do("POST /api/v1/accounts/{id}/unmute", "write:mutes", ownCircle, relating(unmute))
	do("POST /api/v1/accounts/{id}/note", "write:accounts", ownCircle, relating(setNote))
	for _, path := range []string{"pin", "unpin", "endorse", "unendorse"} {
		do("POST /api/v1/accounts/{id}/"+path, "write:accounts", nothing, relating(endorse))
	}
	get("/api/v1/follow_requests", "read:follows", followRequests)
	do("POST /api/v1/follow_requests/{id}/authorize", "write:follows", ownCircle, answerFollow(true))
	do("POST /api/v1/follow_requests/{id}/reject", "write:follows", ownCircle, answerFollow(false))
	get("/api/v1/blocks", "read:blocks", blocks)
	get("/api/v1/mutes", "read:mutes", mutes)
	get("/api/v1/bookmarks", "read:bookmarks", bookmarks)
	get("/api/v1/favourites", "read:favourites", favourites)
	get("/api/v1/preferences", "read:accounts", preferences)
	get("/api/v1/markers", "read:statuses", getMarkers)
	do("POST /api/v1/markers", "write:statuses", ownNotices, setMarkers)

	// Posts.
	do("POST /api/v1/statuses", "write:statuses", ownPost, createStatus)
	get("/api/v1/statuses", optional+"read:statuses", getStatusesByID)
	get("/api/v1/statuses/{id}", optional+"read:statuses", getStatus)
	do("DELETE /api/v1/statuses/{id}", "write:statuses", ownPost, deleteStatus)
	do("PUT /api/v1/statuses/{id}", "write:statuses", ownPost, editStatus)
	get("/api/v1/statuses/{id}/context", optional+"read:statuses", getContext)
	get("/api/v1/statuses/{id}/source", "read:statuses", getSource)
	get("/api/v1/statuses/{id}/history", optional+"read:statuses", getHistory)
	get("/api/v1/statuses/{id}/quotes", optional+"read:statuses", seen(emptyList))
	get("/api/v1/statuses/{id}/reblogged_by", optional+"read:accounts", rebloggedBy)
	get("/api/v1/statuses/{id}/favourited_by", optional+"read:accounts", favouritedBy)
	do("POST /api/v1/statuses/{id}/reblog", "write:statuses", ownMark, reblog)
	do("POST /api/v1/statuses/{id}/unreblog", "write:statuses", ownMark, unreblog)
	do("POST /api/v1/statuses/{id}/favourite", "write:favourites", ownMark, marking(favourite))
	do("POST /api/v1/statuses/{id}/unfavourite", "write:favourites", ownMark, marking(unfavourite))
	do("POST /api/v1/statuses/{id}/bookmark", "write:bookmarks", ownMark, marking(bookmark(true)))
	do("POST /api/v1/statuses/{id}/unbookmark", "write:bookmarks", ownMark, marking(bookmark(false)))
	do("POST /api/v1/statuses/{id}/pin", "write:accounts", ownPost, marking(pin(true)))
	do("POST /api/v1/statuses/{id}/unpin", "write:accounts", ownPost, marking(pin(false)))
	do("POST /api/v1/statuses/{id}/mute", "write:mutes", ownMark, marking(muteThread(true)))
	do("POST /api/v1/statuses/{id}/unmute", "write:mutes", ownMark, marking(muteThread(false)))
	do("POST /api/v1/statuses/{id}/translate", "read:statuses", nothing, seen(func(*call) error { return errNone }))

	// Pictures.
	for _, path := range []string{"/api/v1/media", "/api/v2/media"} {
		do("POST "+path, "write:media", ownPost, uploadMedia)
		with(func(r *web.Route) { r.MaxBody, r.Limit = maxUpload, uploads })
	}
	get("/api/v1/media/{id}", "write:media", getMedia)
	do("PUT /api/v1/media/{id}", "write:media", ownPost, updateMedia)
	do("DELETE /api/v1/media/{id}", "write:media", ownPost, deleteMedia)

	// Timelines.
	get("/api/v1/timelines/home", "read:statuses", homeTimeline)
	get("/api/v1/timelines/public", optional+"read:statuses", publicTimeline)
	get("/api/v1/timelines/tag/{hashtag}", optional+"read:statuses", tagTimeline)
	get("/api/v1/timelines/direct", "read:statuses", directTimeline)
	get("/api/v1/timelines/link", optional+"read:statuses", emptyList)
	get("/api/v1/timelines/list/{id}", "read:lists", emptyList)
	get("/api/v1/conversations", "read:statuses", conversations)
	do("POST /api/v1/conversations/{id}/read", "write:conversations", ownNotices, readConversation)
	do("DELETE /api/v1/conversations/{id}", "write:conversations", nothing, emptyObject)

	// Notices.
	get("/api/v1/notifications", "read:notifications", notifications)
	get("/api/v1/notifications/unread_count", "read:notifications", unreadCount)
	get("/api/v1/notifications/{id}", "read:notifications", getNotification)
	do("POST /api/v1/notifications/clear", "write:notifications", ownNotices, clearNotifications)
	do("POST /api/v1/notifications/{id}/dismiss", "write:notifications", ownNotices, dismissNotification)
	get("/api/v2/notifications", "read:notifications", groupedNotifications)
	get("/api/v2/notifications/unread_count", "read:notifications", unreadGroups)
	get("/api/v2/notifications/{group_key}", "read:notifications", getGroup)
	get("/api/v2/notifications/{group_key}/accounts", "read:notifications|write:notifications", groupAccounts)
	do("POST /api/v2/notifications/{group_key}/dismiss", "write:notifications", ownNotices, dismissGroup)
	get("/api/v1/notifications/policy", "read:notifications", policyV1)
	get("/api/v2/notifications/policy", "read:notifications", policy)
	do("PUT /api/v1/notifications/policy", "write:notifications", nothing, policyV1)
	do("PATCH /api/v2/notifications/policy", "write:notifications", nothing, policy)
	get("/api/v1/notifications/requests", "read:notifications", emptyList)
	get("/api/v1/notifications/requests/merged", "read:notifications", func(c *call) error { return c.json(map[string]bool{"merged": true}) })
	do("POST /api/v1/notifications/requests/accept", "write:notifications", nothing, emptyObject)
	do("POST /api/v1/notifications/requests/dismiss", "write:notifications", nothing, emptyObject)

	// Search.
	get("/api/v2/search", optional+"read:search", search)
	with(func(r *web.Route) { r.Limit = lookups })
	get("/api/v1/tags/{name}", optional+"read:follows", getTag)

	// What is not here yet answers empty, so that apps work.
	for path, scope := range map[string]string{
		"/api/v1/filters": "read:filters", "/api/v2/filters": "read:filters", "/api/v1/lists": "read:lists", "/api/v1/announcements": anApp,
		"/api/v1/suggestions": "read:accounts", "/api/v2/suggestions": "read:accounts", "/api/v1/trends": anybody, "/api/v1/trends/tags": anybody,
		"/api/v1/trends/statuses": anybody, "/api/v1/trends/links": anybody, "/api/v1/scheduled_statuses": "read:statuses",
		"/api/v1/followed_tags": "read:follows", "/api/v1/featured_tags": "read:accounts", "/api/v1/featured_tags/suggestions": "read:accounts",
		"/api/v1/endorsements": "read:accounts", "/api/v1/domain_blocks": "read:blocks",
	} {
		get(path, scope, emptyList)
	}
	return append(out, s.streaming()...)
}
