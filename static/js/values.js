// The values of a filter as one text, as the server reads it: `a,b` keeps either, `-a` excludes, and
// a backslash marks a comma, a backslash or a leading minus that belongs to a value.
export const MAX_VALUES = 20;

const PART = /(?:\\[^]|[^,\\]|\\$)+/g;

const escape = (value) =>
  value.replaceAll("\\", "\\\\").replaceAll(",", "\\,").replace(/^-/, "\\-");

const unescape = (part) => part.replace(/^\\-/, "-").replaceAll(/\\([\\,])/g, "$1");

export const parse = (text) => {
  const values = { wanted: [], unwanted: [] };
  for (const part of text.match(PART) ?? []) {
    const side = part.startsWith("-") ? values.unwanted : values.wanted;
    side.push(unescape(part.replace(/^-/, "")));
  }
  return values;
};

export const format = (wanted, unwanted) =>
  [...wanted.map(escape), ...unwanted.map((value) => `-${escape(value)}`)].join(",");
