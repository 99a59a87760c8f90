// Package picture turns a file that a stranger uploaded into pictures that are safe to publish.
//
// A picture comes in as PNG, JPEG, WebP, GIF or AVIF, told apart by its bytes and never by its name. Before one pixel is decoded the
// size is read from the header, so that a file of a few kilobytes that unfolds into gigabytes (an image bomb) costs nothing. Decode
// returns the picture upright: the camera's EXIF orientation is applied. Render then writes new files from the pixels alone. Nothing of
// the old file is copied, so position, camera, author and every other piece of metadata are gone. Colours of a wide-gamut profile
// (phones take Display P3) are converted to sRGB, since the profile goes as well.
//
// # What is written
//
// Every Mastodon client shows JPEG and PNG; some old ones fail on WebP. So a picture without transparency is written as JPEG, quality
// 82, and one with transparency as PNG. A drawing or screenshot (a PNG, GIF or lossless WebP without transparency) is written as PNG where
// that is the smaller file, because JPEG blurs the edges of letters. Encoding WebP would save a third of the bytes at three times the
// processor time and would keep some 20 MB of compiled codec in memory.
//
// # Animation
//
// Of an animated GIF or WebP the first frame is kept and the rest is dropped; an AVIF sequence is read as the still picture it holds. Moving pictures belong to video.
//
// # Memory
//
// The peak for one picture is about 4 bytes a pixel for PNG and GIF with alpha, 8 for 16-bit PNG, 3 for JPEG, and 15 for a progressive
// JPEG without chroma subsampling: a 40-megapixel picture stays under 650 MB in the worst case and under 200 MB in the usual one. A Pipeline bounds how
// many are in work at the same time. For AVIF the stream's own
// header is checked as well as the container, since the decoder believes the stream.
package picture
