import type { Check } from '../select.ts';
import { consumed, retention, runtime } from './functions.ts';
import { cornered, exact, trusted, used } from './iam.ts';
import { inventory } from './inventory.ts';
import { machines } from './machine.ts';
import { alarmed, complete, shown } from './monitoring.ts';
import { invokers, queued, sources } from './queues.ts';
import { archived, delivery } from './rules.ts';
import { bucketed, secretive, tabled } from './storage.ts';
import { guarded } from './webhook.ts';

/** Everything that is held against what a stage would make, by what it promises. */
export const checks: Readonly<Record<string, Check>> = {
  'everything in the topology is there, and nothing else': inventory,
  'functions run as the topology says, log, and keep what they fail': runtime,
  'logs are kept for as long as the stage says': retention,
  'rules match, deliver, try again and keep what is not taken': delivery,
  'the bus can be replayed, but for what would send': archived,
  'the dead-letter queue is read': consumed,
  'queues keep for 14 days, encrypted, and park': queued,
  'queues and topics take from our own sources alone': sources,
  'functions are invoked by our own sources alone': invokers,
  'the state machine is core’s, and logs no messages': machines,
  'roles allow exact actions on exact resources': exact,
  'roles trust their service alone': trusted,
  'functions may do what they use, and nothing more': used,
  'the webhook can do no harm': cornered,
  'the webhook is throttled and answers no browser': guarded,
  'tables are recoverable, expire and are protected': tabled,
  'the bucket is private, encrypted and forgets': bucketed,
  'the secret is made without a value': secretive,
  'alarms look at what is emitted, and say what to do': alarmed,
  'what must be watched is watched': complete,
  'the dashboard shows what is emitted': shown,
};
