// How numbers and times are told: as the command line tells them.

export const UNKNOWN = "–";
const GROUPED = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

const told = (value, tell) => (value === null || value === undefined ? UNKNOWN : tell(value));
export const number = (value) =>
  told(value, (known) => (known >= 99.95 || known === 0 ? GROUPED.format(known) : known.toFixed(1)));
export const whole = (value) => told(value, (known) => GROUPED.format(known));
export const percent = (ratio) => told(ratio, (known) => `${(100 * known).toFixed(0)} %`);
export const text = (value) => told(value, String);

// Beyond the calendar's ends it is the end, as on the command line; a Date would fail.
const LATEST = 250e9;
const written = (at) => new Date(1000 * Math.min(Math.max(at, 0), LATEST)).toISOString();
export const clock = (at) => told(at, (known) => `${written(known).slice(11, 19)}Z`);
export function moment(at, now) {
  if (at === null || at === undefined) return UNKNOWN;
  const day = (known) => written(known).slice(0, 10);
  return day(at) === day(now) ? clock(at) : `${day(at)} ${clock(at)}`;
}

export function duration(seconds) {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}
