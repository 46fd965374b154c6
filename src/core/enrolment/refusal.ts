/** Why a certificate is not issued; for the audit log and for metrics, never for the host (agent-protocol.md §1.6). */
export type EnrolmentRefusal =
  | 'NonceUsed'
  | 'NonceNotListed'
  | 'NonceExpired'
  | 'TokenNotInForce'
  | 'TrustUnusable'
  | 'BadToken'
  | 'BadRequest'
  | 'NameMismatch'
  | 'FingerprintMismatch'
  | 'NoRelease'
  | 'UnknownHost'
  | 'KeyNotEd25519'
  | 'KeyMismatch'
  | 'NoAuthority'
  | 'NotSigned'
  | 'NotStored';

/** A refusal with the status that the host gets and a sentence for people. */
export interface Refused {
  readonly ok: false;
  readonly status: 400 | 401 | 409 | 500 | 503;
  readonly reason: EnrolmentRefusal;
  readonly detail: string;
}

/** Nothing speaks against the request so far. */
export interface Passed {
  readonly ok: true;
}

const STATUS: Readonly<Record<EnrolmentRefusal, Refused['status']>> = {
  NonceUsed: 409,
  NonceNotListed: 401,
  NonceExpired: 401,
  TokenNotInForce: 401,
  TrustUnusable: 500,
  BadToken: 401,
  BadRequest: 400,
  NameMismatch: 401,
  FingerprintMismatch: 401,
  NoRelease: 503,
  UnknownHost: 401,
  KeyNotEd25519: 400,
  KeyMismatch: 401,
  NoAuthority: 500,
  NotSigned: 400,
  NotStored: 500,
};

/** A refusal for this reason. */
export function refused(reason: EnrolmentRefusal, detail: string): Refused {
  return { ok: false, status: STATUS[reason], reason, detail };
}
