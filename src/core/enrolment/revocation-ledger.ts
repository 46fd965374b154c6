import { laterOf, parseTimestamp, type Timestamp } from '../../api/time.ts';

/** From when on certificates of each host are accepted again: the newest revocation that was ever seen. */
export type RevocationLedger = ReadonlyMap<string, Timestamp>;

/** Both ledgers in one: of each name the later time, so that a shorter document never takes anything back. */
export function mergeLedgers(...ledgers: readonly RevocationLedger[]): RevocationLedger {
  const merged = new Map<string, Timestamp>();
  for (const ledger of ledgers) {
    for (const [hostname, revokedBefore] of ledger) {
      const known = merged.get(hostname);
      merged.set(hostname, known === undefined ? revokedBefore : laterOf(known, revokedBefore));
    }
  }
  return merged;
}

/** A ledger as text: one JSON object by name, ascending, so that equal ledgers are equal texts. */
export function printLedger(ledger: RevocationLedger): string {
  return JSON.stringify(Object.fromEntries([...ledger].toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * Reads what `printLedger` wrote; undefined where it is something else, so that nobody takes a damaged ledger for an
 * empty one.
 */
export function readLedger(text: string): RevocationLedger | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const ledger = new Map<string, Timestamp>();
  for (const [hostname, time] of Object.entries(value)) {
    const revokedBefore = typeof time === 'string' ? parseTimestamp(time) : undefined;
    if (revokedBefore === undefined) return undefined;
    ledger.set(hostname, revokedBefore);
  }
  return ledger;
}
