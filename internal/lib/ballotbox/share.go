package ballotbox

// Shamir's sharing of 32 bytes, each by itself, in the field of 256 elements
// that AES has. Where a scrutineer stands is the place at which the polynomial
// is taken: 1, 2, 3 ...

// times multiplies in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, in the same time
// whatever the numbers are.
//
// spec: fips197#4.2
func times(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= a & -(b & 1)
		b >>= 1
		a = a<<1 ^ 0x1b&-(a>>7)
	}
	return product
}

// inverse is a to the power 254.
func inverse(a byte) byte {
	out := byte(1)
	for range 7 {
		a = times(a, a)
		out = times(out, a)
	}
	return out
}

// share is the value at a place of the polynomial whose constant is secret and
// whose further coefficients follow one another, 32 bytes each.
func share(secret, coefficients []byte, place byte) []byte {
	out := make([]byte, len(secret))
	for at := len(coefficients) - len(secret); at >= 0; at -= len(secret) {
		for i := range out {
			out[i] = times(out[i]^coefficients[at+i], place)
		}
	}
	for i := range out {
		out[i] ^= secret[i]
	}
	return out
}

// combine finds the constant again from shares at distinct places.
func combine(places []byte, shares [][]byte) []byte {
	out := make([]byte, len(shares[0]))
	for j, x := range places {
		weight := byte(1)
		for m, other := range places {
			if m != j {
				weight = times(weight, times(other, inverse(other^x)))
			}
		}
		for i := range out {
			out[i] ^= times(shares[j][i], weight)
		}
	}
	return out
}
