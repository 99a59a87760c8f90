// Shamir's sharing of bytes, each by itself, in the field of 256 elements that AES has. A scrutineer's place,
// counted from 1, is where the polynomial is taken; the secret is its value at 0.

// times multiplies modulo x^8 + x^4 + x^3 + x + 1.
// spec: fips197#4.2
function times(a, b) {
  let product = 0;
  for (let i = 0; i < 8; i++) {
    product ^= a & -(b & 1);
    b >>= 1;
    a = (a << 1) ^ (0x11b & -(a >> 7));
  }
  return product;
}

// inverse is a to the power 254.
function inverse(a) {
  let out = 1;
  for (let i = 0; i < 7; i++) {
    a = times(a, a);
    out = times(out, a);
  }
  return out;
}

// share is the value at a place of the polynomial that begins with the secret and goes on with the
// coefficients, which follow one another, each as long as the secret.
export function share(secret, coefficients, place) {
  const out = new Uint8Array(secret.length);
  for (let at = coefficients.length - secret.length; at >= 0; at -= secret.length) {
    for (let i = 0; i < out.length; i++) out[i] = times(out[i] ^ coefficients[at + i], place);
  }
  return out.map((x, i) => x ^ secret[i]);
}

// combine finds the secret again from as many shares as it has terms, given with their places, which differ.
export function combine(places, shares) {
  const out = new Uint8Array(shares[0].length);
  places.forEach((x, j) => {
    const weight = places.reduce((w, other, m) => (m === j ? w : times(w, times(other, inverse(other ^ x)))), 1);
    for (let i = 0; i < out.length; i++) out[i] ^= times(shares[j][i], weight);
  });
  return out;
}
