import type { AgentFeedEvent } from '../../src/agent/feed.ts';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Host } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../../src/api/kinds/quarantined-closure.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { addMillis } from '../../src/api/time.ts';
import { commitOfClosure } from './design.ts';
import { heldBy } from './narrate-gates.ts';
import type { Observer, WorldView } from './observer.ts';
import type { Fault } from './scenario.ts';
import type { ApiChange, Refusal } from './sim-api.ts';
import type { SimHost } from './sim-host.ts';
import { EPOCH } from './sim-process.ts';

/** Tells a run as a story: one line per thing that changed, with its reason. */
export class Narrator implements Observer {
  readonly lines: string[] = [];
  readonly #gates = new Map<string, string>();
  readonly #repeated = new Set<string>();
  /** Replicas that slept. What they try afterwards is worth telling. */
  readonly #slept = new Set<string>();
  #term = '';

  onChange({ plural, type, before, object, by }: ApiChange, world: WorldView): void {
    const tell = (who: string, what: string): void => this.#tell(world, who, what);
    switch (plural) {
      case 'fleets':
        if ((object as unknown as Fleet).status?.term !== (before as Fleet | undefined)?.status?.term)
          this.#term = whoIs(by);
        return tellFleet(tell, before as Fleet | undefined, object as unknown as Fleet, by);
      case 'rollouts':
        return tellRollout(tell, type, before as Rollout | undefined, object as unknown as Rollout, by);
      case 'hostrolloutrecords':
        return this.#tellRecord(
          tell,
          type,
          before as HostRolloutRecord | undefined,
          object as unknown as HostRolloutRecord,
          by,
        );
      case 'hosts':
        return tellHost(tell, type, before as Host | undefined, object as unknown as Host);
      case 'quarantinedclosures':
        return tellQuarantine(tell, type, object as unknown as QuarantinedClosure, by);
      default:
    }
  }

  onFault(fault: Fault, world: WorldView): void {
    if (fault.kind === 'pause' && fault.who === 'leader') this.#slept.add(this.#term);
    const told = tellFault(fault);
    if (told !== undefined) this.#tell(world, ...told);
  }

  onFeed(host: SimHost, event: AgentFeedEvent, world: WorldView): void {
    if (event.type !== 'dispatch-refused') return;
    this.#once(world, host.name, `its agent does not take the dispatch: ${event.reason}`);
  }

  onRefusal({ by, plural, name, verb, reason }: Refusal, world: WorldView): void {
    if (!this.#slept.has(whoIs(by)) || verb === 'create') return;
    this.#tell(world, whoIs(by), `wakes up and writes ${plural} ${name}: refused (${reason})`);
  }

  onWipe(world: WorldView): void {
    this.#tell(world, 'a person', 'throws away every object but the Fleet');
  }

  #once(world: WorldView, who: string, what: string): void {
    if (this.#repeated.has(`${who} ${what}`)) return;
    this.#repeated.add(`${who} ${what}`);
    this.#tell(world, who, what);
  }

  #tell({ now, scenario }: WorldView, who: string, what: string): void {
    const stamp = addMillis(EPOCH, Math.floor(now / 1000) * 1000);
    const days = scenario.minutes > 24 * 60 ? `day ${Math.floor(now / 86_400_000) + 1} ` : '';
    this.lines.push(`${days}${stamp.slice(11, 19)}  ${who.padEnd(11)} ${what}`);
  }

  #tellRecord(
    tell: Tell,
    type: ApiChange['type'],
    before: HostRolloutRecord | undefined,
    record: HostRolloutRecord,
    by: string,
  ): void {
    const { spec, status } = record;
    const host = spec.hostname;
    const where = `${spec.channel} r${commitOfClosure(spec.targetClosure)}`;
    if (type === 'DELETED') {
      if (by !== 'user') tell(host, `${where}: the record is deleted`);
      return;
    }
    if (type === 'ADDED') {
      if (spec.attempt > 1)
        tell(host, `${where}: try ${spec.attempt} begins, counting from event ${spec.firstSeq}`);
      return;
    }
    const told = before?.status?.history?.length ?? 0;
    for (const entry of (status?.history ?? []).slice(told)) {
      tell(host, `${where}: ${entry.from} → ${entry.to}, because of ${causeOf(entry.cause, entry.seq)}`);
    }
    this.#tellMark(tell, where, before, record);
    if (status?.clearedAt !== undefined && before?.status?.clearedAt === undefined) {
      tell(host, `${where}: is left behind, because a person says so`);
    }
    this.#tellGates(tell, record, where);
  }

  #tellMark(
    tell: Tell,
    where: string,
    before: HostRolloutRecord | undefined,
    { spec, status, metadata }: HostRolloutRecord,
  ): void {
    const host = spec.hostname;
    const [old, mark] = [before?.status?.dispatch, status?.dispatch];
    if (mark !== undefined && old === undefined) tell(host, `${where}: is let through (term ${mark.term})`);
    if (mark === undefined && old !== undefined && status?.state === 'Pending') {
      tell(host, `${where}: the mark is withdrawn`);
    }
    if (mark === undefined) return;
    if (old !== undefined && mark.term !== old.term)
      tell(host, `${where}: the mark is stamped anew (term ${mark.term})`);
    if (mark.lastDeliveredAt !== old?.lastDeliveredAt && mark.lastDeliveredAt !== undefined) {
      if (old?.lastDeliveredAt === undefined) tell(host, `${where}: gets its dispatch`);
      else if (!this.#repeated.has(`${metadata.uid} again`)) {
        this.#repeated.add(`${metadata.uid} again`);
        tell(
          host,
          `${where}: gets its dispatch again, and from now on every 15 s, because nothing came of the first`,
        );
      }
    }
    if (mark.suspended === true && old?.suspended !== true) tell(host, `${where}: the mark is suspended`);
    if (mark.suspended !== true && old?.suspended === true) tell(host, `${where}: the mark counts again`);
  }

  #tellGates(tell: Tell, { metadata, spec, status }: HostRolloutRecord, where: string): void {
    const held = heldBy(status?.blockedBy ?? [], spec.firstSeq > 0);
    if (held === (this.#gates.get(metadata.name) ?? '')) return;
    this.#gates.set(metadata.name, held);
    // Every record begins with it, for milliseconds.
    const passing = status?.blockedBy?.[0]?.gate === 'rollout-opening';
    if (held !== '' && !passing) tell(spec.hostname, `${where}: ${held}`);
  }
}

type Tell = (who: string, what: string) => void;

function tellFleet(tell: Tell, before: Fleet | undefined, { spec, status }: Fleet, by: string): void {
  const old = before?.status;
  if (status?.term !== old?.term) tell(whoIs(by), `leads, and begins term ${status?.term ?? 0}`);
  if (status?.artifact?.signedAt !== old?.artifact?.signedAt && status?.artifact !== undefined) {
    tell(
      'release',
      `commit ${status.artifact.ciCommit.slice(0, 8)} goes into force, signed ${status.artifact.signedAt.slice(11, 19)}`,
    );
  }
  if (before !== undefined && spec.intent.hold !== before.spec.intent.hold) {
    tell('fleet', spec.intent.hold === 'Hold' ? 'a person holds the fleet' : 'a person lets the fleet go on');
  }
  for (const type of ['Deadlocked', 'Converged', 'Verified'] as const) {
    const [was, is] = [conditionOf(old, type), conditionOf(status, type)];
    if (is !== undefined && is.status !== was?.status && (is.status === 'True') !== (type === 'Verified')) {
      tell('fleet', `${type}: ${is.message}`);
    }
  }
}

function tellRollout(
  tell: Tell,
  type: ApiChange['type'],
  before: Rollout | undefined,
  object: Rollout,
  by: string,
): void {
  const { spec, status } = object;
  const who = spec.channel;
  const attempt = spec.attempt > 1 ? `, attempt ${spec.attempt}` : '';
  const what = `rollout ${spec.channelRef.slice(0, 8)}${attempt}`;
  if (type === 'ADDED') return tell(who, `${what} is opened for ${spec.hostCount} hosts`);
  if (type === 'DELETED') return tell(who, `${what} is deleted by ${whoIs(by)}`);
  const [from, to] = [before?.status?.state, status?.state];
  if (from !== to) tell(who, `${what}: ${from} → ${to}`);
  if (before?.status?.currentWave !== status?.currentWave) {
    tell(who, `${what}: wave ${(before?.status?.currentWave ?? 0) + 1} → ${(status?.currentWave ?? 0) + 1}`);
  }
  if (before !== undefined && before.spec.intent.hold !== spec.intent.hold) {
    tell(who, `${what}: a person ${spec.intent.hold === 'Pause' ? 'pauses it' : 'lets it go on'}`);
  }
  if (before !== undefined && before.spec.intent.clear?.at !== spec.intent.clear?.at) {
    tell(who, `${what}: a person clears it: "${spec.intent.clear?.reason ?? ''}"`);
  }
  if (before !== undefined && before.spec.intent.retry !== spec.intent.retry) {
    for (const { host, reason } of spec.intent.retry)
      tell(who, `${what}: a person retries ${host}: "${reason}"`);
  }
}

function tellHost(
  tell: Tell,
  type: ApiChange['type'],
  before: Host | undefined,
  { spec, status }: Host,
): void {
  if (type === 'DELETED') return tell(spec.hostname, 'the Host object is deleted');
  const old = before?.status;
  if (status?.offline === true && old?.offline !== true)
    tell(spec.hostname, 'is offline: it was silent for too long');
  if (status?.offline === false && old?.offline === true) tell(spec.hostname, 'is back');
  if (status?.closure !== old?.closure && status?.closure !== undefined) {
    tell(spec.hostname, `says that it runs r${commitOfClosure(status.closure)}`);
  }
  if (status?.settledTime !== undefined && old?.settledTime === undefined) tell(spec.hostname, 'has settled');
}

function tellQuarantine(tell: Tell, type: ApiChange['type'], { spec }: QuarantinedClosure, by: string): void {
  const what = `r${commitOfClosure(spec.closure)} of ${spec.hostname ?? 'some host'}`;
  if (type === 'ADDED') tell(spec.channel, `${what} is quarantined: ${spec.reason ?? ''}`);
  if (type === 'DELETED') tell(spec.channel, `the quarantine of ${what} is lifted by ${whoIs(by)}`);
}

function conditionOf(status: Fleet['status'], type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

function causeOf(cause: string, seq: number): string {
  return cause === 'Heartbeat' ? 'its heartbeat' : `${cause} (event ${seq})`;
}

function tellFault(fault: Fault): readonly [who: string, what: string] | undefined {
  switch (fault.kind) {
    case 'kill':
      return [
        'cluster',
        `${fault.who === 'leader' ? 'the leader' : 'a replica that does not lead'} is killed`,
      ];
    case 'pause':
      return [
        'cluster',
        `${fault.who === 'leader' ? 'the leader' : 'a replica that does not lead'} stops for ${fault.seconds} s`,
      ];
    case 'offline':
      return [fault.host, `loses its network for ${durationOf(fault.seconds)}`];
    case 'restart-agent':
      return [fault.host, `its agent dies and is back after ${fault.seconds} s`];
    case 'mend':
      return [fault.host, 'is mended'];
    default:
      return undefined;
  }
}

function durationOf(seconds: number): string {
  if (seconds >= 86_400) return `${Math.round(seconds / 86_400)} days`;
  return seconds >= 120 ? `${Math.round(seconds / 60)} minutes` : `${seconds} s`;
}

function whoIs(by: string): string {
  return by === 'user' ? 'a person' : by.replace(/\/.*/, '');
}
