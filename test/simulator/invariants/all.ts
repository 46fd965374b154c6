import type { Observer } from '../observer.ts';
import { Budgets } from './budgets.ts';
import { Deliveries } from './deliveries.ts';
import { Effects } from './effects.ts';
import { Endings } from './endings.ts';
import { Monotone } from './monotone.ts';
import { Order } from './order.ts';
import { Ownership } from './ownership.ts';
import { PromisedNumbers } from './promises.ts';
import { StoredEvents } from './stored-events.ts';
import { Switches } from './switches.ts';

/** Every rule that a run is watched for, fresh. */
export function invariants(): Observer[] {
  return [
    new Budgets(),
    new Order(),
    new PromisedNumbers(),
    new Monotone(),
    new StoredEvents(),
    new Deliveries(),
    new Effects(),
    new Ownership(),
    new Switches(),
    new Endings(),
  ];
}
