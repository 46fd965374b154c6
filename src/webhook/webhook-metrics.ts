import type { EnrolmentRefusal } from '../core/enrolment/refusal.ts';

/** Why something a host said was answered and not stored, or could not be stored now. */
export type DropReason =
  | 'duplicate'
  | 'refused'
  | 'no-change'
  | 'unknown-rollout'
  | 'seq-too-large'
  | 'too-large'
  | 'not-storable'
  | 'inbox-full'
  | 'conflicts'
  | 'queue-full'
  | 'rate-limit'
  | 'api-error'
  | 'unknown-host'
  | 'bad-body';

/** Why a connection was ended before a request was read from it. */
export type RefusedConnection =
  'handshake' | 'certificate' | 'too-many' | 'too-many-handshakes' | 'bad-request';

/** How a request for a certificate ended. */
export type CertificateOutcome = 'Issued' | EnrolmentRefusal;

/** What the agent webhook counts; implementations must not throw. */
export interface WebhookMetrics {
  /** A request was answered. */
  answered(route: string, status: number): void;
  /** Something a host said was not stored. */
  dropped(route: string, reason: DropReason): void;
  /** An event was stored in an inbox. */
  eventStored(): void;
  /** A request for a certificate was answered. */
  certificateJudged(route: 'enroll' | 'renew', outcome: CertificateOutcome): void;
  /** A dispatch was handed to a host. */
  delivered(): void;
  /** Long-polls that are held now. */
  parkedPolls(count: number): void;
  /** A connection was ended before a request was read from it. */
  connectionRefused(reason: RefusedConnection): void;
}

/** Counts nothing. */
export const noWebhookMetrics: WebhookMetrics = {
  answered: () => undefined,
  dropped: () => undefined,
  eventStored: () => undefined,
  certificateJudged: () => undefined,
  delivered: () => undefined,
  parkedPolls: () => undefined,
  connectionRefused: () => undefined,
};
