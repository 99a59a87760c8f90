package ui

// iconPath returns the strokes of an icon on a grid of 24 by 24.
func iconPath(name string) string {
	switch name {
	case "arrow-down":
		return "M12 5v14M6 13l6 6 6-6"
	case "arrow-left":
		return "M19 12H5M11 6l-6 6 6 6"
	case "arrow-right":
		return "M5 12h14M13 6l6 6-6 6"
	case "arrow-up":
		return "M12 19V5M6 11l6-6 6 6"
	case "at":
		return "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM15.5 8.5v5a2.5 2.5 0 0 0 5 0V12a8.5 8.5 0 1 0-3.4 6.8"
	case "bell":
		return "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 21h4"
	case "book":
		return "M12 6.5C10 5 7 4.5 3.5 4.8v13.4c3.5-.3 6.5.2 8.5 1.8 2-1.6 5-2.1 8.5-1.8V4.8C17 4.5 14 5 12 6.5ZM12 6.5V20"
	case "bookmark":
		return "M6.5 4h11v16.5L12 16.5l-5.5 4z"
	case "boost":
		return "M17 3.5l3.5 3.5-3.5 3.5M3.5 12v-2a3 3 0 0 1 3-3h14M7 20.5 3.5 17 7 13.5M20.5 12v2a3 3 0 0 1-3 3h-14"
	case "calendar":
		return "M4.5 5.5h15v14h-15zM4.5 10h15M8.5 3.5v4M15.5 3.5v4"
	case "chart":
		return "M4 20h16M7 16.5v-4M12 16.5V5M17 16.5V9"
	case "check":
		return "M5 12.5l4.5 4.5L19 7"
	case "chevron-down":
		return "M5 9l7 7 7-7"
	case "chevron-left":
		return "M15 5l-7 7 7 7"
	case "chevron-right":
		return "M9 5l7 7-7 7"
	case "circles":
		return "M12 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM6 14.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM18 14.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM10.6 9.2 7.5 14.8M13.4 9.2l3.1 5.6"
	case "clock":
		return "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7v5.2l3.5 2"
	case "code":
		return "M8.5 7l-5 5 5 5M15.5 7l5 5-5 5"
	case "coin":
		return "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM14.8 9.3c-.4-.9-1.5-1.4-2.8-1.4-1.6 0-2.7.8-2.7 2 0 1.3 1.2 1.8 2.7 2.1s2.7.8 2.7 2.1c0 1.2-1.1 2-2.7 2-1.3 0-2.4-.5-2.8-1.4M12 6.3v11.4"
	case "compass":
		return "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM15.5 8.5l-2 5-5 2 2-5z"
	case "contrast":
		return "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 3v18M12 7.5l6.5-1.5M12 12h9M12 16.5l6.5 1.5"
	case "document":
		return "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12.5h6M9 16h6"
	case "download":
		return "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14"
	case "eye":
		return "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z"
	case "flag":
		return "M6 21V4M6 4.5h12l-2.5 4 2.5 4H6"
	case "globe":
		return "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3.2 12h17.6M12 3c2.5 2.5 3.7 5.6 3.7 9s-1.2 6.5-3.7 9c-2.5-2.5-3.7-5.6-3.7-9S9.5 5.5 12 3Z"
	case "grip":
		return "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01"
	case "home":
		return "M4 11.5 12 4.5l8 7M6 10v9.5h4.5v-5.5h3v5.5H18V10"
	case "hourglass":
		return "M7 3.5h10M7 20.5h10M8 3.5c0 5 8 6 8 8.5s-8 3.5-8 8.5M16 3.5c0 5-8 6-8 8.5s8 3.5 8 8.5"
	case "image":
		return "M4 5h16v14H4zM4.5 16.5 9 12l3.5 3.5L15 13l4.5 4.5M15.5 8.5h.01"
	case "info":
		return "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 11v5.5M12 7.8h.01"
	case "key":
		return "M8 9.5a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM11 10.7 19.5 4M16 6.8l2.5 3"
	case "language":
		return "M4 6.5h9M8.5 4v2.5M5 14.5c3.5-1.5 5.5-4.5 6-8M6 9.5c1 2.5 3 4.2 5.5 5M12.5 20.5l4-9.5 4 9.5M14 17.5h5"
	case "link":
		return "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1"
	case "list":
		return "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01"
	case "lock":
		return "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3"
	case "mail":
		return "M4 5.5h16v13H4zM4.5 7l7.5 6 7.5-6"
	case "minus":
		return "M5 12h14"
	case "moon":
		return "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z"
	case "more":
		return "M5 11.2a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6ZM12 11.2a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6ZM19 11.2a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6Z"
	case "pencil":
		return "M4 20l1-4L16 5l3 3L8 19zM13.5 7.5l3 3"
	case "people":
		return "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.8"
	case "person":
		return "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 15 0"
	case "pin":
		return "M8.5 4h7M10 4v6l-3 3.5h10L14 10V4M12 13.5V20.5"
	case "plus":
		return "M12 5v14M5 12h14"
	case "poll":
		return "M5 6h9M5 12h14M5 18h6"
	case "quote":
		return "M9.5 7C6.5 8 5 10 5 13.5V17h4.5v-4.5H7M18.5 7c-3 1-4.5 3-4.5 6.5V17h4.5v-4.5H16"
	case "reply":
		return "M9 6.5 4 11.5l5 5M4 11.5h10a6 6 0 0 1 6 6v1"
	case "rss":
		return "M5 12a7 7 0 0 1 7 7M5 5.5A13.5 13.5 0 0 1 18.5 19M6 18h.01"
	case "search":
		return "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.3 15.3 20 20"
	case "settings":
		return "M4 7.5h8M16 7.5h4M14 5.5v4M4 16.5h4M12 16.5h8M10 14.5v4"
	case "share":
		return "M12 15V4M8 8l4-4 4 4M5 13v7h14v-7"
	case "sign-out":
		return "M10 4.5H5v15h5M15.5 8l4 4-4 4M19.5 12H10"
	case "star":
		return "M12 3.5l2.6 5.5 5.9.8-4.3 4.2 1.1 6L12 17.1 6.7 20l1.1-6-4.3-4.2 5.9-.8z"
	case "sun":
		return "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"
	case "trash":
		return "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13"
	case "unlock":
		return "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2"
	case "upload":
		return "M12 16V5M7.5 9.5 12 5l4.5 4.5M5 20h14"
	case "video":
		return "M3.5 7h11v10h-11zM14.5 11l6-3.5v9l-6-3.5"
	case "vote":
		return "M5.5 13 3.5 16v4.5h17V16l-2-3M3.5 16h17M7.5 16V4h9v12M9.8 9.3l1.7 1.7 2.8-3.2"
	case "warning":
		return "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17h.01"
	case "x":
		return "M6 6l12 12M18 6 6 18"
	}
	return ""
}
