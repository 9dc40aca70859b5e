import type { Route } from '../shell/route.ts';
import { ConversationList } from './list.tsx';
import { ConversationView } from './view.tsx';

export function ConversationsPage({ route }: { route: Route }) {
  return route.id === undefined ? (
    <ConversationList query={route.query} />
  ) : (
    <ConversationView key={route.id} id={route.id} organizationId={route.query.get('organizationId') ?? undefined} />
  );
}
