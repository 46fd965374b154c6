/** What befalls a simulated machine, as data. Without anything it switches in two seconds and stays healthy. */
import type { ProbeMode } from '../api/wire/enums.ts';

/** Limits a mishap to these closures; absent: any. */
export interface OnClosures {
  readonly closures?: readonly string[];
}

/** The switch never happens. */
export interface ActivationFault extends OnClosures {
  /** -1: the realisation or the switch failed, -2: a signature problem, else the process's code. */
  readonly exitCode: number;
  readonly stderrTail: string;
}

/** A probe fails from a time after the switch until another one (it heals) or for good. */
export interface ProbeFault extends OnClosures {
  readonly probe: string;
  readonly fromSeconds?: number;
  readonly untilSeconds?: number;
  readonly failureReason?: string;
}

/** The live switch is skipped; the closure becomes current with the next boot. */
export interface Deferral extends OnClosures {
  readonly component: 'dbus' | 'systemd' | 'kernel';
  /** When the machine reboots by itself; absent: only when it is told to. */
  readonly rebootAfterSeconds?: number;
}

/** The switch takes the agent down, right after the closure has become current and before that was reported. */
export interface RestartInSwitch extends OnClosures {
  readonly downSeconds: number;
}

/** The network is gone from a time after the start, for a while or for good. */
export interface Outage {
  readonly afterSeconds: number;
  readonly forSeconds?: number;
}

/** A probe as the machine declares it (health-checks.json). */
export interface ProbeDeclaration {
  readonly name: string;
  readonly kind: 'http' | 'tcp' | 'exec' | 'evidence';
  readonly mode: ProbeMode;
  /** Default 30, at least 5. */
  readonly intervalSeconds?: number;
}

/** Everything that can befall a machine. All seconds are the clock's, divided by nothing. */
export interface HostBehaviour {
  /** How long a switch takes; default 2. */
  readonly switchSeconds?: number;
  readonly failsToActivate?: ActivationFault;
  readonly failsProbes?: readonly ProbeFault[];
  readonly defers?: Deferral;
  readonly restartsInSwitch?: RestartInSwitch;
  readonly outages?: readonly Outage[];
}

/** Whether a mishap is about this closure. */
export function concerns(limits: OnClosures, closure: string): boolean {
  return limits.closures === undefined || limits.closures.includes(closure);
}
