import { sha256Hex } from './artifacts/hash.ts';
import { splitRolloutId } from './artifacts/rollout-id.ts';

/** Characters of a ref or closure that columns show. */
const SHORT = 8;
const SLUG_MAX = 40;
/** Leaves room for a dash and the short ref. */
const CHANNEL_SLUG_MAX = SLUG_MAX - SHORT - 1;
const LABEL_VALUE_MAX = 63;
const OBJECT_NAME_MAX = 253;
const DNS_1123_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Object name of a Rollout: readable first, unique by a hash over id and attempt (kubernetes-api.md, Names). */
export function rolloutName(rolloutId: string, attempt: number): string {
  const { channel, channelRef } = splitRolloutId(rolloutId);
  const slug = slugOf(`${channel.slice(0, CHANNEL_SLUG_MAX)}-${shortRef(channelRef)}`);
  const hash = sha256Hex(`${rolloutId}#${attempt}`).slice(0, 10);
  return slug === '' ? `x-${hash}` : `${slug}-${hash}`;
}

/** Object name of a Host: its hostname where that is a legal name, else a hash of it. */
export function hostName(hostname: string): string {
  // A record's name holds rollout and host, so a long hostname is hashed, too.
  const fits = hostname.length <= OBJECT_NAME_MAX - SLUG_MAX - 24;
  return fits && DNS_1123_SUBDOMAIN.test(hostname) ? hostname : `x-${sha256Hex(hostname).slice(0, 16)}`;
}

/** Object name of a host's record in a rollout; a retry (n ≥ 2) carries its number. */
export function recordName(rollout: string, host: string, attempt: number): string {
  return attempt === 1 ? `${rollout}.${host}` : `${rollout}.${host}.${attempt}`;
}

/** Object name of the quarantine that one event of one record calls for: the same decision makes the same object. */
export function quarantineName(channel: string, recordUid: string, seq: number): string {
  const slug = slugOf(channel);
  const hash = sha256Hex(`${recordUid}#${seq}`).slice(0, 10);
  return slug === '' ? `x-${hash}` : `${slug}-${hash}`;
}

/** A label with an object's name as its value, or none where the name is longer than a label may be. */
export function nameLabel(key: string, name: string): Record<string, string> {
  return name.length <= LABEL_VALUE_MAX ? { [key]: name } : {};
}

/** The first characters of a ref, as columns show it. */
export function shortRef(ref: string): string {
  return firstCharacters(ref);
}

/** The first characters of a closure's hash part, as columns show it. */
export function shortClosure(closure: string): string {
  return firstCharacters(closure);
}

/** No character takes more than two units. */
function firstCharacters(text: string): string {
  return Array.from(text.slice(0, 2 * SHORT))
    .slice(0, SHORT)
    .join('');
}

function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_MAX)
    .replace(/^-|-$/g, '');
}
