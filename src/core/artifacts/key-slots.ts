import {
  type KeySlot,
  type TrustConfig,
  trustConfigSchema,
  type TrustedKey,
} from '../../api/artifacts/trust-config.ts';
import { compareTimestamps, type Timestamp } from '../../api/time.ts';
import { readJson } from './strict-json.ts';
import { readTyped, type TypedReading } from './typed-reading.ts';

/** The version of trust.json that this operator knows. */
const TRUST_SCHEMA_VERSION = 1;

/** A successor whose time has come; somebody has to promote it by hand (planner.md §5). */
export interface RotationDue {
  readonly which: 'ciReleaseKey' | 'orgRootKey';
  readonly retireAt: Timestamp;
}

/** The keys in force at `now`, in the order in which they are tried: current, previous, and a successor in waiting. */
export function activeKeys(slot: KeySlot, now: Timestamp): TrustedKey[] {
  const { successor, retireAt } = slot;
  const keys = timelessKeys(slot);
  if (successor !== null && retireAt !== null && compareTimestamps(now, retireAt) < 0) keys.push(successor);
  return keys;
}

/** The keys in force whatever the time: without the successor. */
export function timelessKeys({ current, previous }: KeySlot): TrustedKey[] {
  return [current, previous].filter((key) => key !== null);
}

/** Which slots wait for their successor to be promoted; a hint that changes nothing. */
export function rotationsDue(trust: TrustConfig, now: Timestamp): RotationDue[] {
  const due: RotationDue[] = [];
  for (const which of ['ciReleaseKey', 'orgRootKey'] as const) {
    const slot = trust[which];
    if (slot === null || slot.successor === null || slot.retireAt === null) continue;
    if (compareTimestamps(now, slot.retireAt) >= 0) due.push({ which, retireAt: slot.retireAt });
  }
  return due;
}

/** Reads trust.json; a refusal says which member is wrong. */
export function readTrust(text: string): TypedReading<TrustConfig> {
  const json = readJson(text);
  if (!json.ok) return { ok: false, message: `the trust config is not readable as JSON: ${json.message}` };
  const reading = readTyped(trustConfigSchema, json.value);
  if (!reading.ok) return { ok: false, message: `the trust config is wrong at ${reading.message}` };
  const { schemaVersion } = reading.value;
  if (schemaVersion === TRUST_SCHEMA_VERSION) return reading;
  return {
    ok: false,
    message: `the trust config has schemaVersion ${schemaVersion}; this operator reads ${TRUST_SCHEMA_VERSION}`,
  };
}
