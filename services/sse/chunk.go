package sse

import "strconv"

// Framing of HTTP/1.1 (RFC 9112, section 7.1).
const (
	crlf      = "\r\n"
	lastChunk = "0\r\n\r\n"
	sizeRoom  = 10 // a size line is at most eight digits and a line end
)

// appendChunk appends text as one chunk.
func appendChunk(dst []byte, text string) []byte {
	dst = strconv.AppendUint(dst, uint64(len(text)), 16)
	dst = append(dst, crlf...)
	dst = append(dst, text...)
	return append(dst, crlf...)
}

// frameInPlace makes one chunk of a buffer whose first sizeRoom bytes are
// free.
func frameInPlace(buf *[]byte) []byte {
	var line [sizeRoom]byte
	size := strconv.AppendUint(line[:0], uint64(len(*buf)-sizeRoom), 16)
	size = append(size, crlf...)
	*buf = append(*buf, crlf...)
	start := sizeRoom - len(size)
	copy((*buf)[start:], size)
	return (*buf)[start:]
}
