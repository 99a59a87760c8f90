// What the blind signature library takes for the browser's crypto. It draws its randomness from there
// and cannot be told otherwise; a printed code, however, must give the same paper again. So the bundler
// puts this object in the place of the bare name crypto (see gen/main.go), and what is drawn is what the
// code decides. Outside of drawing nothing can be drawn at all, rather than something else.
let stream = null;
let turn = Promise.resolve();

export const crypto = {
  get subtle() {
    return globalThis.crypto.subtle;
  },
  getRandomValues(into) {
    if (!stream) throw new Error("nothing decides what is drawn");
    if (into.length > stream.length) throw new Error("this code does not fit the key, please take another");
    into.set(stream.subarray(0, into.length));
    stream = stream.subarray(into.length);
    return into;
  },
};

// drawing does work that draws from these bytes, one work at a time.
export function drawing(bytes, work) {
  const mine = turn.then(async () => {
    stream = bytes;
    try {
      return await work();
    } finally {
      stream = null;
    }
  });
  turn = mine.catch(() => {});
  return mine;
}
