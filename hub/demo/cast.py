"""The actors of the demo: a dozen agents, two people and the platform; pairs and prices."""

from dataclasses import dataclass

from auditlogs.entry.schema import Actor, ActorType, Target


@dataclass(frozen=True, slots=True)
class Player:
    """An actor. Without a name it is a client that was never given one."""

    type: ActorType
    id: str
    name: str | None
    source_ips: tuple[str, ...] = ()

    @property
    def actor(self) -> Actor:
        return Actor(type=self.type, id=self.id, name=self.name)


@dataclass(frozen=True, slots=True)
class Person(Player):
    """A person who signs in to the Hub."""

    method: str = "passkey"


@dataclass(frozen=True, slots=True)
class Agent(Player):
    """An agent, its registration on the platform (its bot) and its API key."""

    tag: str = ""
    key_name: str = ""
    scopes: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    version: str = "2.4.1"
    model: str = "trader-large-3"

    @property
    def bot_id(self) -> str:
        return f"bot_{self.tag}"

    @property
    def bot(self) -> Target:
        return Target(type="bot", id=self.bot_id, name=self.name)

    @property
    def key(self) -> Target:
        return Target(type="api_key", id=f"key_{self.tag}", name=self.key_name)

    @property
    def trades(self) -> bool:
        return "trade" in self.scopes


def _agent(name: str, tag: str, key_name: str, source_ip: str, pairs: str, scopes: str) -> Agent:
    return Agent(
        type="agent",
        id=f"agent_{tag}",
        name=name,
        source_ips=(source_ip,),
        tag=tag,
        key_name=key_name,
        scopes=tuple(scopes.split()),
        pairs=tuple(f"{coin}/USDC" for coin in pairs.split()),
    )


SCOUT = _agent("Momentum Scout", "7f3a21", "scout-read", "203.0.113.24", "SOL JUP WIF", "read")
SWEEP = _agent(
    "Treasury Sweep", "c41d88", "sweep-trade", "2001:db8:4c::17", "SOL ETH", "read trade"
)
LONG_NAMED = _agent(
    "Cross-Venue Statistical Arbitrage and Inventory Rebalancing Agent for Long-Tail Solana Pairs",
    *("5be09a", "statarb-longtail-rebalancing-production", "198.51.100.141"),
    *("BONK WIF PYTH JUP", "read trade"),
)
NIGHT = _agent(
    "Night Market Maker", "39be60", "night-trade", "203.0.113.8", "WIF BONK", "read trade"
)
AGENTS: tuple[Agent, ...] = (
    SCOUT,
    SWEEP,
    LONG_NAMED,
    _agent("Arbitrage Runner", "2d90ef", "arb-trade", "203.0.113.57", "SOL JUP ETH", "read trade"),
    _agent("Grid Keeper", "91c7b4", "grid-trade", "198.51.100.8", "SOL ETH BTC", "read trade"),
    _agent("DCA Turtle", "e03f6d", "turtle-trade", "192.0.2.33", "BTC ETH", "read trade"),
    _agent("Whale Listener", "48ab15", "whale-read", "192.0.2.71", "SOL BTC ETH", "read"),
    _agent("Yield Gardener", "b7722c", "yield-trade", "203.0.113.190", "SOL PYTH", "read trade"),
    _agent(
        "流動性ウォッチャー", "0c5e93", "流動性-read", "2001:db8:81::a2", "SOL JUP PYTH", "read"
    ),
    _agent("وكيل التحوط", "6ad4f7", "hedge-trade", "198.51.100.77", "BTC ETH SOL", "read trade"),
    _agent("Дельта-Страж", "f1882e", "delta-trade", "192.0.2.150", "ETH BTC", "read trade"),
    NIGHT,
)
GRID = next(agent for agent in AGENTS if agent.name == "Grid Keeper")
READERS = tuple(agent for agent in AGENTS if not agent.trades)
TRADERS = tuple(agent for agent in AGENTS if agent.trades)
# Traders that no story blocks for long, so that the other stories can use any of them.
FREE_TRADERS = tuple(agent for agent in TRADERS if agent not in {SWEEP, NIGHT})

ADA = Person("user", "user_5a1c09", "Ada Okafor", ("192.0.2.10", "2001:db8:12::5"), "passkey")
LUKASZ = Person("user", "user_d2b47e", "Łukasz Żółć-Wójcik", ("198.51.100.23",), "wallet")
PEOPLE = (ADA, LUKASZ)
PLATFORM = Player("system", "system", "System")
POLICY = Player("system", "policy-engine", "Policy engine")
# Acts for another agent, which acts for a person.
SUB_AGENT = Player("agent", "agent_route_scout", "Route Scout", ("203.0.113.24",))
# An old integration that sends the required fields only.
NAMELESS = Player("agent", "agent_legacy_webhook", None)

STRANGER_IPS = ("203.0.113.251", "198.51.100.202", "2001:db8:dead::66")
GUESTS = (("Noor de Vries", "user_83fa10"), ("Siobhán Ó Briain", "user_1e77c5"))

# Invented prices in USDC.
PRICES = {
    "BONK/USDC": 0.0000192,
    "BTC/USDC": 94_150.0,
    "ETH/USDC": 3_120.0,
    "JUP/USDC": 0.614,
    "PYTH/USDC": 0.312,
    "SOL/USDC": 148.2,
    "WIF/USDC": 1.04,
}
# Providers of ordinary orders. Only stories use `jupiter`, so that no order is filled through it
# while its circuit breaker is open.
PROVIDERS = ("raydium", "orca", "meteora", "phoenix")
JUPITER = "jupiter"
