import type { Timestamp } from '../../api/time.ts';

/** Why a document was refused, with the details that v0.2 reports (planner.md §4.2). */
export type VerifyFault =
  | {
      readonly error: 'NoTrustRoots' | 'Parse' | 'BadSignature' | 'NotSigned';
      readonly detail: Readonly<Record<string, never>>;
    }
  | { readonly error: 'UnsupportedAlgorithm'; readonly detail: { readonly algorithm: string } }
  | { readonly error: 'SchemaVersionUnsupported'; readonly detail: { readonly version: number } }
  | {
      readonly error: 'RejectedBeforeTimestamp';
      readonly detail: { readonly signed_at: Timestamp; readonly reject_before: Timestamp };
    }
  | {
      readonly error: 'Stale';
      readonly detail: {
        readonly signed_at: Timestamp;
        readonly now: Timestamp;
        readonly window_secs: number;
      };
    }
  | {
      readonly error: 'FutureDated';
      readonly detail: {
        readonly signed_at: Timestamp;
        readonly now: Timestamp;
        readonly slack_secs: number;
      };
    };

/** The names of the reasons for which a document is refused, as v0.2 spells them. */
export type VerifyErrorName = VerifyFault['error'];

/** A refusal with a message for people that says what to do about it. */
export type VerifyFailure = VerifyFault & { readonly ok: false; readonly message: string };

/** Makes a refusal of the fault; `reason` is what the fault itself does not know: the parser's words, the keys tried. */
export function refusal(fault: VerifyFault, reason = ''): VerifyFailure {
  return { ...fault, ok: false, message: messageOf(fault, reason) };
}

function messageOf(fault: VerifyFault, reason: string): string {
  switch (fault.error) {
    case 'NoTrustRoots':
      return 'no key is in force to check the signature with: give the CI release key in the trust config';
    case 'Parse':
      return `the document cannot be read: ${reason}; publish it as the release tool wrote it`;
    case 'BadSignature':
      return `the signature is of none of the keys in force (${reason}): sign this very document anew, or trust its key`;
    case 'UnsupportedAlgorithm':
      return `no key in force has a known algorithm (the first is "${fault.detail.algorithm}"): use ed25519 or ecdsa-p256`;
    case 'SchemaVersionUnsupported':
      return `schemaVersion is ${fault.detail.version}; only 1 is known: produce the document with a matching release tool`;
    case 'NotSigned':
      return 'meta.signedAt is missing: the release tool has to set it before signing';
    case 'RejectedBeforeTimestamp': {
      const { signed_at, reject_before } = fault.detail;
      return `signed at ${signed_at}, but the key slot rejects everything before ${reject_before}: sign anew`;
    }
    case 'Stale': {
      const { signed_at, now, window_secs } = fault.detail;
      return `signed at ${signed_at}, which at ${now} is longer ago than the freshness window of ${window_secs} s: sign anew`;
    }
    case 'FutureDated': {
      const { signed_at, now, slack_secs } = fault.detail;
      return `signed at ${signed_at}, more than ${slack_secs} s after ${now}: check the clocks of CI and of this machine`;
    }
  }
}
