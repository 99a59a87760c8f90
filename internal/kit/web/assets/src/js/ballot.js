// The script of the pages on which members vote secretly and check the count. Without it they vote by a
// plain form, and the count is checked by the program itself.
import { booth } from "./booth.js";
import { checking } from "./check.js";
import { revealing, scrutineer } from "./scrutineer.js";

export * from "./paper/paper.js";
export { count, counts } from "./count/count.js";

for (const form of document.querySelectorAll("[data-booth]")) booth(form);
for (const box of document.querySelectorAll("[data-check]")) checking(box);
for (const form of document.querySelectorAll("[data-scrutineer]")) scrutineer(form);
for (const form of document.querySelectorAll("[data-reveal]")) revealing(form);
