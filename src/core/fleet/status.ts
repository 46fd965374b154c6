import type {
  DEADLOCKED_REASONS,
  FLEET_CONVERGED_REASONS,
  FLEET_PROGRESS_REASONS,
  FLEET_READY_REASONS,
  FRESH_REASONS,
  RENEWAL_REASONS,
  VERIFIED_REASONS,
} from '../../api/reasons.ts';
import type { Fleet, FleetStatus } from '../../api/kinds/fleet.ts';
import type { Host } from '../../api/kinds/host.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import { addMillis, compareTimestamps, type Timestamp } from '../../api/time.ts';
import type { Release } from '../artifacts/release.ts';
import type { RenewalDue } from '../enrolment/renewals-due.ts';
import { withObservations, type Observation } from '../conditions.ts';
import { shortRef } from '../naming.ts';
import { countersOf } from './counters.ts';

type FleetStatusChannel = NonNullable<FleetStatus['channels']>[number];

/** What the source amounted to on this pass. */
export type SourceVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: keyof typeof VERIFIED_REASONS; readonly message: string };

/** A Rollout of the content in force; absent where it is not opened yet. */
export interface ChannelInForce {
  readonly name: string;
  readonly ref: string;
  readonly rolloutName: string;
  readonly hosts: number;
  readonly rollout: Rollout | undefined;
}

/** All that a Fleet's status follows from. */
export interface FleetStatusInput {
  readonly fleet: Fleet;
  readonly source: SourceVerdict;
  /** The content in force. */
  readonly release: Release | undefined;
  /** Why the content in force, which there is, cannot be read or verified. */
  readonly contentFault?: string | undefined;
  /** What of another Fleet is in the way in this namespace, and what to do about it. */
  readonly taken?: string | undefined;
  readonly channels: readonly ChannelInForce[];
  readonly hosts: readonly Host[];
  /** Sentences that name what can never clear (D8). */
  readonly deadlocks: readonly string[];
  /** What runs out soon; absent where nobody looks. */
  readonly renewals?: readonly RenewalDue[] | undefined;
  /** Whether all that this generation of the Fleet asks for was carried out. */
  readonly done: boolean;
  readonly now: Timestamp;
}

const MINUTE_MS = 60_000;

/** The status of a served Fleet (kubernetes-api.md, Fleet); what others wrote into it (term, artifact) is kept. */
export function deriveFleetStatus(input: FleetStatusInput): FleetStatus {
  const { fleet, release, contentFault, channels, done, now } = input;
  const generation = fleet.metadata.generation ?? 0;
  const observations = [
    ready(input),
    verified(input),
    fresh(input),
    converged(input),
    deadlocked(input),
    ...renewal(input),
    ...progress(input),
  ];
  return {
    ...fleet.status,
    ...(done && { observedGeneration: generation }),
    // Agents' events find their Rollout by the channels, so what was in force stays findable.
    ...(contentFault === undefined && {
      channels: channels.map((channel) => channelStatusOf(fleet, channel)),
    }),
    ...(release !== undefined && countersOf(release, input.hosts)),
    conditions: withObservations(fleet.status?.conditions, observations, generation, now),
  };
}

function channelStatusOf({ status }: Fleet, channel: ChannelInForce): FleetStatusChannel {
  const { name, ref, rolloutName, hosts, rollout } = channel;
  const before = status?.channels?.find((known) => known.rollout === rolloutName);
  const opened = rollout !== undefined || before?.opened === true;
  return { name, ref, rollout: rolloutName, hosts, ...(opened && { opened }) };
}

/** The status of a Fleet that this installation does not serve. */
export function notServedStatus(fleet: Fleet, servedName: string, now: Timestamp): FleetStatus {
  const generation = fleet.metadata.generation ?? 0;
  const message = `this installation serves the Fleet "${servedName}" (flag --fleet): install the operator once more for this one, in a namespace of its own`;
  const observe = (status: Observation['status']) => (type: string) => ({
    type,
    status,
    reason: 'NotServed',
    message,
  });
  const observations: Observation[] = [
    ...['Ready', 'Verified'].map(observe('False')),
    ...['Fresh', 'Converged', 'Deadlocked'].map(observe('Unknown')),
    observe('False')('Reconciling'),
    observe('True')('Stalled'),
  ];
  return {
    ...fleet.status,
    observedGeneration: generation,
    conditions: withObservations(fleet.status?.conditions, observations, generation, now),
  };
}

function isOpened({ rollout }: ChannelInForce): boolean {
  return rollout !== undefined && (rollout.status?.state ?? 'Opening') !== 'Opening';
}

function ready({ fleet, release, contentFault, taken, channels }: FleetStatusInput): Observation {
  const observe = (
    status: 'True' | 'False',
    reason: keyof typeof FLEET_READY_REASONS,
    message: string,
  ): Observation => ({
    type: 'Ready',
    status,
    reason,
    message,
  });
  if (contentFault !== undefined) return observe('False', 'ContentUnreadable', contentFault);
  if (taken !== undefined) return observe('False', 'NamespaceTaken', taken);
  if (release === undefined)
    return observe('False', 'NothingInForce', 'no release was accepted yet: see the condition Verified');
  const waiting = channels.filter((channel) => !isOpened(channel)).map(({ name }) => name);
  if (waiting.length === 0) {
    return observe(
      'True',
      'InForce',
      `release ${shortRef(release.ciCommit)} is in force for ${channels.length} channels`,
    );
  }
  const names = waiting.slice(0, 5).join(', ');
  if (fleet.spec.intent.hold === 'Hold') {
    return observe(
      'False',
      'OnHold',
      `spec.intent.hold is Hold, so channels ${names} are not opened: set it to None to go on`,
    );
  }
  return observe('False', 'Opening', `opening channels ${names}`);
}

function verified({ fleet, source, contentFault }: FleetStatusInput): Observation {
  const { artifact } = fleet.status ?? {};
  if (source.ok) {
    return {
      type: 'Verified',
      status: 'True',
      reason: 'Verified' satisfies keyof typeof VERIFIED_REASONS,
      message: `signed ${artifact?.signedAt ?? 'and verified'}`,
    };
  }
  const use = contentFault === undefined ? '' : ', but cannot be used: see the condition Ready';
  const kept =
    artifact === undefined ? 'nothing is in force' : `${shortRef(artifact.ciCommit)} stays in force${use}`;
  return { type: 'Verified', status: 'False', reason: source.reason, message: `${source.message}; ${kept}` };
}

/** The moment at which the release in force outgrows the tightest freshnessWindow; none without channels. */
export function freshUntil(release: Release): Timestamp | undefined {
  const windows = Object.values(release.fleet.channels).map((channel) => channel.freshnessWindow);
  return windows.length === 0 ? undefined : addMillis(release.signedAt, Math.min(...windows) * MINUTE_MS);
}

function fresh({ release, contentFault, now }: FleetStatusInput): Observation {
  const observe = (
    status: Observation['status'],
    reason: keyof typeof FRESH_REASONS,
    message: string,
  ): Observation => ({
    type: 'Fresh',
    status,
    reason,
    message,
  });
  if (contentFault !== undefined) return observe('Unknown', 'ContentUnreadable', contentFault);
  if (release === undefined) return observe('False', 'NothingInForce', 'no release was accepted yet');
  const until = freshUntil(release);
  if (until !== undefined && compareTimestamps(now, until) > 0) {
    return observe(
      'False',
      'ReleaseAged',
      `signed ${release.signedAt}, fresh until ${until}: let CI sign again`,
    );
  }
  return observe(
    'True',
    'Fresh',
    `signed ${release.signedAt}${until === undefined ? '' : `, fresh until ${until}`}`,
  );
}

function converged({ release, contentFault, channels }: FleetStatusInput): Observation {
  const observe = (
    status: Observation['status'],
    reason: keyof typeof FLEET_CONVERGED_REASONS,
    message: string,
  ): Observation => ({ type: 'Converged', status, reason, message });
  if (contentFault !== undefined) return observe('Unknown', 'ContentUnreadable', contentFault);
  if (release === undefined) return observe('False', 'NothingInForce', 'no release was accepted yet');
  const halted = channels.filter(
    ({ rollout }) => rollout?.status?.state === 'Failed' || rollout?.status?.state === 'Reverted',
  );
  const [first] = halted;
  if (first !== undefined) {
    return observe(
      'False',
      'Halted',
      `channel ${first.name} is halted: kubectl get nfhr -l nixfleet.dev/rollout=${first.rolloutName}`,
    );
  }
  const running = channels.filter(({ rollout }) => rollout?.status?.state !== 'Terminal');
  if (running.length === 0)
    return observe('True', 'AllTerminal', 'every host runs what the release declares');
  return observe(
    'False',
    'RollingOut',
    `channels ${running
      .map(({ name }) => name)
      .slice(0, 5)
      .join(', ')} are on their way`,
  );
}

function deadlocked({ deadlocks }: FleetStatusInput): Observation {
  const observe = (
    status: 'True' | 'False',
    reason: keyof typeof DEADLOCKED_REASONS,
    message: string,
  ): Observation => ({
    type: 'Deadlocked',
    status,
    reason,
    message,
  });
  if (deadlocks.length === 0) return observe('False', 'NoDeadlock', 'nothing waits for what can never come');
  return observe('True', 'NeverClears', deadlocks.slice(0, 5).join('; '));
}

function renewal({ renewals }: FleetStatusInput): Observation[] {
  if (renewals === undefined) return [];
  const [first] = renewals;
  const reason: keyof typeof RENEWAL_REASONS = first?.reason ?? 'NothingDue';
  const status = first === undefined ? 'False' : 'True';
  const message = renewals.map((due) => due.message).join('; ') || 'nothing runs out soon';
  return [{ type: 'RenewalDue', status, reason, message }];
}

function progress({ source, release, taken, channels, fleet }: FleetStatusInput): Observation[] {
  const mayOpen = release !== undefined && taken === undefined && fleet.spec.intent.hold === 'None';
  const opening = mayOpen && !channels.every(isOpened);
  const observe = (
    type: string,
    status: 'True' | 'False',
    reason: keyof typeof FLEET_PROGRESS_REASONS,
    message: string,
  ): Observation => ({ type, status, reason, message });
  const stalled = (): Observation => {
    if (taken !== undefined) return observe('Stalled', 'True', 'NamespaceTaken', taken);
    return source.ok
      ? observe('Stalled', 'False', 'Settled', 'nothing needs a person')
      : observe('Stalled', 'True', 'SourceRefused', `${source.reason}: ${source.message}`);
  };
  return [
    opening
      ? observe('Reconciling', 'True', 'Opening', 'the rollouts of the release are being opened')
      : observe('Reconciling', 'False', 'Settled', 'nothing left to do for this generation'),
    stalled(),
  ];
}
