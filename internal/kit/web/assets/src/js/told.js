// What the booth and the check both say. Words come from the page, where they were translated.

// fill puts texts in the places of %s.
export const fill = (words, ...texts) => texts.reduce((w, x) => w.replace("%s", () => x), words);

// told is a choice in the names of the options.
export function told({ data }, words, choice) {
  const names = data.options.map((o) => o.name);
  let list = [];
  if (choice.vote) return words[`vote-${choice.vote}`];
  if (choice.rank) {
    const top = Math.max(0, ...choice.rank);
    for (let r = 1; r <= top; r++) list.push(`${r}. ${names.filter((_, o) => choice.rank[o] === r).join(" = ")}`);
  } else if (choice.marks) list = choice.marks.map((o) => names[o]);
  else list = names.map((x, o) => [x, choice.points[o]]).filter(([, v]) => v !== 0).map(([x, v]) => `${x}: ${v}`);
  return list.join(", ") || words["blank-ballot"];
}
