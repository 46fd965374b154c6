import type { BootstrapNonces } from '../../api/artifacts/bootstrap-nonces.ts';
import type { TrustedKey } from '../../api/artifacts/trust-config.ts';
import { compareTimestamps, type Timestamp } from '../../api/time.ts';
import type { BootstrapToken } from '../../api/wire/enroll.ts';
import { isTokenInForce, verifyBootstrapToken } from '../artifacts/bootstrap-token.ts';
import { refused, type Passed, type Refused } from './refusal.ts';

/** One line of the signed nonce list. */
export type ListedNonce = BootstrapNonces['bootstrapNonces'][number];

/** What a bootstrap token is judged against. */
export interface TokenView {
  readonly now: Timestamp;
  /** Whether the token's nonce is known to be burned. The burn itself decides; this only saves the work. */
  readonly burned: boolean;
  /** The entries of the signed list with the token's nonce; empty without a list. */
  readonly listed: readonly ListedNonce[];
  /** The keys of the slot `orgRootKey` in force, or why there are none. */
  readonly orgRoot: { readonly keys: readonly TrustedKey[] } | { readonly fault: string };
}

/**
 * The checks on a bootstrap token, in the order of agent-protocol.md §1.6: burned 409, not listed 401, not in force
 * 401, no trust 500, not signed 401. What a stranger can cause comes cheapest first: the signature is only computed for
 * a nonce that CI has listed.
 */
export function judgeToken(token: BootstrapToken, view: TokenView): Passed | Refused {
  const { claims } = token;
  const { now, orgRoot } = view;
  if (view.burned)
    return refused('NonceUsed', 'the nonce was used before: mint a new token and list its nonce');
  const unlisted = judgeListing(claims.hostname, view);
  if (unlisted !== undefined) return unlisted;
  if (!isTokenInForce(claims, now)) {
    return refused('TokenNotInForce', `the token is in force from ${claims.issuedAt} to ${claims.expiresAt}`);
  }
  if ('fault' in orgRoot) return refused('TrustUnusable', orgRoot.fault);
  const verdict = verifyBootstrapToken(token, orgRoot.keys);
  switch (verdict) {
    case 'Genuine':
      return { ok: true };
    case 'NoTrustRoots':
      return refused('TrustUnusable', 'orgRootKey of the trust config has no ed25519 key in force: add one');
    case 'UnsupportedVersion':
      return refused('BadToken', 'the token is of another version than 1');
    case 'BadSignature':
      return refused('BadToken', 'no org root key signed the token');
  }
}

function judgeListing(hostname: string, { listed, now }: TokenView): Refused | undefined {
  const own = listed.filter((entry) => entry.hostname === hostname);
  if (own.length === 0) {
    return refused('NonceNotListed', 'the signed nonce list does not have this nonce for this host: list it');
  }
  if (own.some(({ expiresAt }) => compareTimestamps(expiresAt, now) >= 0)) return undefined;
  return refused('NonceExpired', 'the nonce list has this nonce, but its time is over: mint a new token');
}
