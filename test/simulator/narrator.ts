import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Host } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import type { QuarantinedClosure } from '../../src/api/kinds/quarantined-closure.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { addMillis } from '../../src/api/time.ts';
import { commitOfClosure } from './design.ts';
import type { Observer, WorldView } from './observer.ts';
import type { ApiChange } from './sim-api.ts';
import { EPOCH } from './sim-process.ts';

/** Tells a run as a story: one line per thing that changed, with its reason. */
export class Narrator implements Observer {
  readonly lines: string[] = [];
  #gates = new Map<string, string>();

  onChange({ plural, type, before, object, by }: ApiChange, world: WorldView): void {
    const tell = (who: string, what: string): void => this.tell(world, who, what);
    switch (plural) {
      case 'fleets':
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

  /** Adds a line. */
  tell(world: Pick<WorldView, 'now'>, who: string, what: string): void {
    const time = addMillis(EPOCH, Math.floor(world.now / 1000) * 1000).slice(11, 19);
    this.lines.push(`${time}  ${who.padEnd(14)} ${what}`);
  }

  #tellRecord(
    tell: Tell,
    type: ApiChange['type'],
    before: HostRolloutRecord | undefined,
    { spec, status, metadata }: HostRolloutRecord,
    by: string,
  ): void {
    const host = spec.hostname;
    const where = `${spec.channel} r${commitOfClosure(spec.targetClosure)}`;
    if (type === 'DELETED') return tell(host, `${where}: the record is deleted by ${whoIs(by)}`);
    if (type === 'ADDED') {
      if (spec.attempt > 1)
        tell(host, `${where}: try ${spec.attempt} begins, counting from event ${spec.firstSeq}`);
      return;
    }
    const told = before?.status?.history ?? [];
    const last = told.at(-1);
    for (const entry of status?.history ?? []) {
      if (last !== undefined && entry.seq <= last.seq) continue;
      tell(host, `${where}: ${entry.from} → ${entry.to}, because of ${causeOf(entry.cause, entry.seq)}`);
    }
    const [old, mark] = [before?.status?.dispatch, status?.dispatch];
    if (mark !== undefined && old === undefined) tell(host, `${where}: is let through (term ${mark.term})`);
    if (mark === undefined && old !== undefined && status?.state === 'Pending') {
      tell(host, `${where}: the mark is withdrawn${reasonOf(status.blockedBy)}`);
    }
    if (mark?.lastDeliveredAt !== old?.lastDeliveredAt && mark?.lastDeliveredAt !== undefined) {
      tell(host, `${where}: takes its dispatch${old?.lastDeliveredAt === undefined ? '' : ' once more'}`);
    }
    if (mark?.suspended === true && old?.suspended !== true) {
      tell(host, `${where}: the mark is suspended${reasonOf(status?.blockedBy)}`);
    }
    if (mark !== undefined && mark.suspended !== true && old?.suspended === true) {
      tell(host, `${where}: the mark counts again`);
    }
    if (status?.clearedAt !== undefined && before?.status?.clearedAt === undefined) {
      tell(host, `${where}: is left behind, because a person says so`);
    }
    this.#tellGates(tell, metadata.name, host, where, status);
  }

  #tellGates(
    tell: Tell,
    record: string,
    host: string,
    where: string,
    status: HostRolloutRecord['status'],
  ): void {
    const [first] = status?.blockedBy ?? [];
    const gate = first === undefined ? '' : `${first.gate}${first.key === undefined ? '' : ` ${first.key}`}`;
    if (gate === (this.#gates.get(record) ?? '')) return;
    this.#gates.set(record, gate);
    if (gate !== '') tell(host, `${where}: waits for ${gate}`);
  }
}

type Tell = (who: string, what: string) => void;

function tellFleet(tell: Tell, before: Fleet | undefined, { spec, status }: Fleet, by: string): void {
  const old = before?.status;
  if (status?.term !== old?.term) tell('leader', `${whoIs(by)} begins term ${status?.term ?? 0}`);
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

function reasonOf(blockedBy: readonly { gate: string }[] | undefined): string {
  const [first] = blockedBy ?? [];
  return first === undefined ? '' : ` (${first.gate})`;
}

function whoIs(by: string): string {
  return by === 'user' ? 'a person' : by.replace(/\/.*/, '');
}
