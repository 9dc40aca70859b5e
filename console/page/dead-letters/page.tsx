import type { Route } from '../shell/route.ts';
import { DeadLetterList } from './list.tsx';
import { DeadLetterView } from './view.tsx';

export function DeadLettersPage({ route }: { route: Route }) {
  return route.id === undefined ? (
    <DeadLetterList query={route.query} />
  ) : (
    <DeadLetterView key={route.id} id={route.id} />
  );
}
