const UNIT_MILLIS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const PART = /(\d+)(h|ms|m|s)/g;
/** One part that no number of it makes too large. */
const SIMPLE = /^(\d{1,6})(h|ms|m|s)$/;
const WHOLE = /^(\d+(h|ms|m|s))+$/;

/** Milliseconds of a duration in Kubernetes' spelling (`15m`, `1h30m`), or undefined where the text is none. */
export function parseDuration(text: string): number | undefined {
  const simple = SIMPLE.exec(text);
  if (simple !== null) return Number(simple[1]) * (UNIT_MILLIS[String(simple[2])] ?? NaN);
  if (!WHOLE.test(text)) return undefined;
  let millis = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    millis += Number(amount) * (UNIT_MILLIS[String(unit)] ?? NaN);
  return Number.isSafeInteger(millis) ? millis : undefined;
}

/** Milliseconds of a duration that a CRD default guarantees; the fallback serves objects stored before the default. */
export function durationOr(text: string | undefined, fallbackMillis: number): number {
  return (text === undefined ? undefined : parseDuration(text)) ?? fallbackMillis;
}
