// The script of the pages on which members vote secretly and check the count.
export * from "./paper/paper.js";
