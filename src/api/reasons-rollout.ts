/**
 * The reasons in the conditions of Rollouts and Hosts, and those of the Events about them: each with the sentence that
 * says when it surfaces. A blocked rollout's reason is the name of the gate (gates.ts) in CamelCase.
 */

/** Reasons in a Rollout's conditions. */
export const ROLLOUT_REASONS = {
  Opening: 'surfaces while not exactly as many records exist as the manifest names hosts',
  InProgress: 'surfaces while hosts are let through wave by wave',
  Waiting: 'surfaces while hosts are still to come and every one of them is held by a gate',
  Converged: 'surfaces when every host has converged',
  ConvergedPartly: 'surfaces when every host has converged that was not cleared or skipped while offline',
  HostFailed: 'surfaces while a host has Failed and nobody has retried or cleared it',
  HostReverted: 'surfaces while a host was rolled back and nobody has retried or cleared it',
  Superseded: 'surfaces when another release has taken over the channel',
  RolloutPaused: 'surfaces while spec.intent.hold of the Rollout is Pause',
  FleetOnHold: 'surfaces while spec.intent.hold of the Fleet is Hold',
  NotPaused: 'surfaces while neither the Rollout nor its Fleet is on hold',
  NotBlocked: 'surfaces while no gate holds a host of the rollout',
  NotStalled: 'surfaces while the rollout can go on without a person',
} as const satisfies Readonly<Record<string, string>>;

/** A reason in a Rollout's conditions, gates aside. */
export type RolloutReason = keyof typeof ROLLOUT_REASONS;

/** Reasons in a Host's conditions. */
export const HOST_REASONS = {
  Heartbeats: 'surfaces while the host reports within spec.offline.after of the Fleet',
  Silent: 'surfaces when nothing was heard of the host for spec.offline.after of the Fleet',
  NeverSeen: 'surfaces while the host has not reported since its object exists',
  NotJudgedYet: 'surfaces while the host is silent and the leader has not led for spec.offline.after yet',
  ClockSynced: 'surfaces while the clocks of host and operator agree to a minute',
  ClockSkew:
    'surfaces when the clock of the host is more than a minute off the operator’s, as its heartbeats show: the host refuses releases that were signed in its future, or more than an hour ago',
  Declared: 'surfaces while the host runs what is declared and its newest record has converged',
  OtherClosure: 'surfaces while the host runs something else than what is declared',
  NotReported: 'surfaces while the host has not said what it runs',
  Unmanaged: 'surfaces while the content in force declares no closure for the host',
  Pending: 'surfaces while the host is not dispatched, or has not acknowledged it',
  Activating: 'surfaces while the host switches',
  Deferred: 'surfaces while the host waits for a reboot to finish its switch',
  Soaking: 'surfaces while the host has switched and its health checks run',
  Failed: 'surfaces when the switch or the health checks of the host have failed',
  Reverted: 'surfaces when the host was rolled back',
} as const satisfies Readonly<Record<string, string>>;

/** A reason in a Host's conditions. */
export type HostReason = keyof typeof HOST_REASONS;

/** Reasons of Events about records, Rollouts and Hosts; a transition's reason is the state that was entered. */
export const EVENT_REASONS = {
  ReleaseInForce: 'surfaces when a verified release has gone into force',
  RolloutOpened: 'surfaces when the rollout of a channel begins',
  WaveAdvanced: 'surfaces when a rollout goes on to its next wave',
  ClosureQuarantined: 'surfaces when a rollback put a closure into quarantine',
  EventRefused: 'surfaces when a stored event could not be applied after all',
  RolloutCleared: 'surfaces when spec.intent.clear of a Rollout was carried out',
  HostRetried: 'surfaces when spec.intent.retry of a Rollout was carried out for a host',
  RetryRefused:
    'surfaces when spec.intent.retry names a host that the rollout does not have, or the rollout is superseded',
  HostEnrolled: 'surfaces when a host was given its first certificate',
  CertificateRenewed: 'surfaces when a host was given its next certificate',
  CertificatesRevoked: 'surfaces when the certificates that a host was issued so far are refused from now on',
  HostOffline: 'surfaces when a host was silent for spec.offline.after of the Fleet',
  HostOnline: 'surfaces when an offline host reports again',
  ClockSkew: 'surfaces when the clock of a host is more than a minute off the operator’s',
  RolloutPruned: 'surfaces when an old Rollout and its records are deleted',
} as const satisfies Readonly<Record<string, string>>;

/** A reason of an Event that is no transition. */
export type EventReason = keyof typeof EVENT_REASONS;
