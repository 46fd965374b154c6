/** A condition reason and the sentence that says when it surfaces; docs/concepts.md is checked against these. */
export type ReasonCatalogue = Readonly<Record<string, string>>;

/** Reasons of a Fleet's `Verified` condition: whether the source holds a release that may go into force. */
export const VERIFIED_REASONS = {
  Verified: 'surfaces when the release in the source was verified whole and is in force.',
  NotServed: 'surfaces when this installation serves another Fleet of the namespace (flag --fleet).',
  NoTrustRoots: 'surfaces when the trust config holds no key that is in force.',
  Parse: 'surfaces when a document is not JSON, or misses a field.',
  BadSignature: 'surfaces when no trusted key made the signature.',
  UnsupportedAlgorithm: 'surfaces when every trusted key is of an algorithm that is not known.',
  SchemaVersionUnsupported: 'surfaces when a document has another schemaVersion than 1.',
  NotSigned: 'surfaces when a document has no meta.signedAt.',
  RejectedBeforeTimestamp: 'surfaces when a document was signed before the key slot’s rejectBefore.',
  Stale: 'surfaces when a document is older than spec.freshness.window.',
  FutureDated: 'surfaces when a document was signed more than a minute in the future.',
  ManifestMissing: 'surfaces when a channel has hosts, but no signed manifest was published for it.',
  ManifestHashMismatch: 'surfaces when a manifest was made for another fleet.resolved.json.',
  UndeclaredChannel: 'surfaces when a manifest is for a channel that the fleet does not roll out.',
  DuplicateManifest: 'surfaces when two manifests are for the same channel.',
  ProjectionMismatch:
    'surfaces when a manifest has other hosts, waves, targets or another ref than the fleet yields.',
  InvalidRolloutId: 'surfaces when a channel or ref is spelled in a way that agents cannot fetch.',
  TrustNotFound: 'surfaces when the ConfigMap or key of spec.trust does not exist.',
  TrustUnreadable: 'surfaces when the trust config is no trust.json.',
  SourceNotFound: 'surfaces when a ConfigMap of spec.source does not exist.',
  MissingKey: 'surfaces when the ConfigMaps of spec.source lack a document or its signature.',
  DuplicateKey: 'surfaces when two ConfigMaps of spec.source hold the same document.',
  SourceUnreadable: 'surfaces when the source cannot be unpacked or fetched.',
  ContentNameTaken:
    'surfaces when a ConfigMap that the operator did not make has the name under which the release is to be stored.',
} as const satisfies ReasonCatalogue;

/** Reasons of a Fleet's `Ready` condition. */
export const FLEET_READY_REASONS = {
  InForce: 'surfaces when a release is in force and all its rollouts are open.',
  NothingInForce: 'surfaces when no release was ever accepted.',
  Opening: 'surfaces while the rollouts and records of the release are being made.',
  ContentUnreadable:
    'surfaces when the content in force can no longer be read or verified; nothing is dispatched meanwhile.',
  OnHold: 'surfaces when spec.intent.hold keeps the rollouts of the release from being opened.',
  NamespaceTaken:
    'surfaces when the namespace holds Hosts or Rollouts of another Fleet; nothing goes into force or is opened meanwhile.',
  NotServed: 'surfaces when this installation serves another Fleet of the namespace (flag --fleet).',
} as const satisfies ReasonCatalogue;

/** Reasons of a Fleet's `Fresh` condition. */
export const FRESH_REASONS = {
  Fresh: 'surfaces when the release in force is younger than the freshnessWindow of every channel.',
  ReleaseAged:
    'surfaces when the release in force is older than the freshnessWindow of a channel: let CI sign again.',
  NothingInForce: 'surfaces when no release was ever accepted.',
  ContentUnreadable:
    'surfaces when the content in force can no longer be read or verified; nothing is dispatched meanwhile.',
  NotServed: 'surfaces when this installation serves another Fleet of the namespace (flag --fleet).',
} as const satisfies ReasonCatalogue;

/** Reasons of a Fleet's `Converged` condition. */
export const FLEET_CONVERGED_REASONS = {
  AllTerminal: 'surfaces when every rollout in force is Terminal.',
  RollingOut: 'surfaces while a rollout in force is not Terminal.',
  Halted:
    'surfaces when a rollout in force is Failed or Reverted: look at its record, then clear, retry or release anew.',
  NothingInForce: 'surfaces when no release was ever accepted.',
  ContentUnreadable:
    'surfaces when the content in force can no longer be read or verified; nothing is dispatched meanwhile.',
  NotServed: 'surfaces when this installation serves another Fleet of the namespace (flag --fleet).',
} as const satisfies ReasonCatalogue;

/** Reasons of a Fleet's `Deadlocked` condition. */
export const DEADLOCKED_REASONS = {
  NoDeadlock: 'surfaces when every host that waits can be let through some day.',
  NeverClears: 'surfaces when the release itself holds a host for ever, such as one that no wave lists.',
  NotServed: 'surfaces when this installation serves another Fleet of the namespace (flag --fleet).',
} as const satisfies ReasonCatalogue;

/** Reasons of a Fleet's `RenewalDue` condition and of the Events that tell of it. */
export const RENEWAL_REASONS = {
  NothingDue: 'surfaces while no key, certificate, token or signed document runs out soon.',
  KeyRotationDue:
    'surfaces when retireAt of a key slot has passed and its successor is not the current key yet.',
  SideDocumentRefused:
    'surfaces when the newest bootstrap nonces or revocations are refused; the last good ones stay in use.',
  AuthorityEnding: 'surfaces when a fifth of the life of the agents’ CA is left.',
  CertificatesEnding: 'surfaces when a fifth of the life of agents’ certificates is left.',
  ReleaseAging: 'surfaces when a fifth of the freshnessWindow of the release in force is left.',
  NoncesEnding: 'surfaces when tokens of hosts that never enrolled end within two hours.',
} as const satisfies ReasonCatalogue;

/** Reasons of a Fleet's `Reconciling` and `Stalled` conditions. */
export const FLEET_PROGRESS_REASONS = {
  Settled: 'surfaces when the operator has nothing left to do for this generation.',
  Opening: 'surfaces while the rollouts of the release are being opened.',
  SourceRefused:
    'surfaces when the source cannot go into force before somebody changes it; what was in force stays.',
  NamespaceTaken:
    'surfaces when the namespace holds Hosts or Rollouts of another Fleet: give up one of the two.',
  NotServed: 'surfaces when this installation serves another Fleet of the namespace.',
} as const satisfies ReasonCatalogue;
