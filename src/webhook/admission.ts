import type { Timestamp } from '../api/time.ts';
import type { DeclaredHosts } from '../core/enrolment/judge-request.ts';
import type { ListedNonce, TokenView } from '../core/enrolment/judge-token.ts';
import type { EventSink } from '../kube/events.ts';
import type { CertificateAuthority } from './certificate-authority.ts';

/** What decides whom the agent port lets in; the wiring keeps it current. Nothing here throws or waits. */
export interface Admission {
  /** Whether every signed side document that the Fleet names was verified once since this process started. */
  readonly documentsVerified: () => boolean;
  /** Beside the Host's own `revokedBefore`: the newest revocation of this name that was ever seen. */
  readonly revokedBefore: (hostname: string) => Timestamp | undefined;
  /** The keys that bootstrap tokens are signed with, or why there are none. */
  readonly orgRoot: (now: Timestamp) => TokenView['orgRoot'];
  /** The entries of the signed nonce list with this nonce. */
  readonly listedNonces: (nonce: string) => readonly ListedNonce[];
  /** Whether the ConfigMap of a burned nonce is known; the burn itself decides. */
  readonly knowsBurned: (configMap: string) => boolean;
  /** The hosts of the content in force. */
  readonly declaredHosts: () => DeclaredHosts;
  /** The authority that issues agents' certificates, or why there is none. */
  readonly authority: () => CertificateAuthority | { readonly fault: string };
  /** Makes names of single requests, unique among all replicas. */
  readonly newRequestId: () => string;
  readonly events: EventSink;
}
