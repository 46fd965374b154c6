import type { RENEWAL_REASONS } from '../../api/reasons.ts';
import type { TrustConfig } from '../../api/artifacts/trust-config.ts';
import type { Host } from '../../api/kinds/host.ts';
import { addMillis, compareTimestamps, epochMillis, laterOf, type Timestamp } from '../../api/time.ts';
import { rotationsDue } from '../artifacts/key-slots.ts';
import type { ListedNonce } from './judge-token.ts';

/** Something that a person has to renew before it runs out, or that a rotation waits for. */
export interface RenewalDue {
  readonly reason: Exclude<keyof typeof RENEWAL_REASONS, 'NothingDue'>;
  /** Names what, until when, and what to do; it changes only when the matter does. */
  readonly message: string;
}

/** A span of validity. */
export interface Validity {
  readonly notBefore: Timestamp;
  readonly notAfter: Timestamp;
}

/** All that can run out. */
export interface RenewalView {
  readonly now: Timestamp;
  readonly trust: TrustConfig | undefined;
  /** The agents' issuing CA. */
  readonly authority: Validity | undefined;
  /** From when the release in force was signed to when it is no longer fresh. */
  readonly release: Validity | undefined;
  readonly hosts: readonly Host[];
  readonly nonces: readonly ListedNonce[];
  /** Sentences on side documents that are refused. */
  readonly refusedDocuments: readonly string[];
}

/** The part of a life that has to be left. */
const SHARE_LEFT = 0.2;
/** A token that was not used has to be good for so long, in milliseconds. */
const NONCE_LEFT_MS = 2 * 3_600_000;
const NAMES = 5;

/** What is due now, the most urgent kinds first. */
export function renewalsDue(view: RenewalView): RenewalDue[] {
  return [
    ...rotations(view),
    ...view.refusedDocuments.map((message): RenewalDue => ({ reason: 'SideDocumentRefused', message })),
    ...authority(view),
    ...certificates(view),
    ...release(view),
    ...nonces(view),
  ];
}

function rotations({ trust, now }: RenewalView): RenewalDue[] {
  return (trust === undefined ? [] : rotationsDue(trust, now)).map(({ which, retireAt }) => ({
    reason: 'KeyRotationDue',
    message: `${which}.retireAt was ${retireAt}: make the successor the current key in the trust config`,
  }));
}

function authority({ authority: ca, now }: RenewalView): RenewalDue[] {
  if (ca === undefined || !isEnding(ca, now)) return [];
  const message = `the agents' CA ends ${ca.notAfter}, and with it every certificate it issued: bring in the next one (docs/agents.md)`;
  return [{ reason: 'AuthorityEnding', message }];
}

function certificates({ hosts, now }: RenewalView): RenewalDue[] {
  const names = hosts
    .filter(({ status }) => status?.certificate !== undefined && isEnding(status.certificate, now))
    .map(({ spec }) => spec.hostname)
    .toSorted();
  if (names.length === 0) return [];
  const message = `certificates of ${listed(names)} end soon or have ended: let their agents renew, or enrol them anew`;
  return [{ reason: 'CertificatesEnding', message }];
}

function release({ release: life, now }: RenewalView): RenewalDue[] {
  if (life === undefined || !isEnding(life, now)) return [];
  return [
    {
      reason: 'ReleaseAging',
      message: `the release in force is fresh until ${life.notAfter}: let CI sign again`,
    },
  ];
}

/** Tokens of hosts that have never come. */
function nonces({ nonces: list, hosts, now }: RenewalView): RenewalDue[] {
  const enrolled = new Set(
    hosts.filter(({ status }) => status?.certificate !== undefined).map(({ spec }) => spec.hostname),
  );
  const soon = addMillis(now, NONCE_LEFT_MS);
  const latest = new Map<string, Timestamp>();
  for (const { hostname, expiresAt } of list) {
    const known = latest.get(hostname);
    latest.set(hostname, known === undefined ? expiresAt : laterOf(known, expiresAt));
  }
  const names = [...latest]
    .filter(([hostname, expiresAt]) => !enrolled.has(hostname) && compareTimestamps(expiresAt, soon) < 0)
    .map(([hostname]) => hostname)
    .toSorted();
  if (names.length === 0) return [];
  const message = `bootstrap tokens of ${listed(names)} end soon or have ended unused: mint new ones, or drop them from the list`;
  return [{ reason: 'NoncesEnding', message }];
}

function isEnding({ notBefore, notAfter }: Validity, now: Timestamp): boolean {
  const life = epochMillis(notAfter) - epochMillis(notBefore);
  return epochMillis(notAfter) - epochMillis(now) < life * SHARE_LEFT;
}

function listed(names: readonly string[]): string {
  const more = names.length > NAMES ? ` and ${names.length - NAMES} more` : '';
  return `${names.slice(0, NAMES).join(', ')}${more}`;
}
