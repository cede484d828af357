"""`account.datastores`: the records that workflows have stored for a config. Refold has deprecated datastores."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.protocol.arguments import Checks, line, mapping_of, text
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import AwaitableListing
from refold_async.resources.resource import Resource

__all__ = ["Datastores"]

_DATASTORE: Final = "datastore {datastore_name!r} of app {slug!r}"
_CHECK_THE_CONFIG: Final = (
    "Check the slug and the config_id: configs.list(slug) gives the ids of this linked account's configs."
)
_CHECK_THE_NAME: Final = (
    "Check the slug, the name and the config_id: datastores.list(slug) gives the names of a config's datastores."
)
_TAKES: Final[Checks] = {"config_id": line}
_FILTERS: Final = mapping_of(text)
"""Their names are those of the fields of records, so they are checked as one argument."""

_LIST: Final = Endpoint(
    "GET",
    "/api/v2/public/datastore/config/{slug}",
    "the list of datastores of app {slug!r}",
    _CHECK_THE_CONFIG,
    takes=_TAKES,
)
_LIST_RECORDS: Final = Endpoint(
    "GET",
    "/api/v2/public/datastore/config/{slug}/{datastore_name}/records",
    _DATASTORE,
    _CHECK_THE_NAME,
    takes=_TAKES,
)
_SEARCH_RECORDS: Final = Endpoint(
    "POST",
    "/api/v2/public/datastore/config/{slug}/{datastore_name}/search",
    _DATASTORE,
    _CHECK_THE_NAME,
    kind="read",
    takes=_TAKES,
)


class Datastores(Resource):
    """The datastores of one linked account's configs, as `account.datastores`. Refold has deprecated datastores.

    Refold accepts only an API key for them.
    """

    __slots__ = ()

    def list_records(
        self,
        slug: str,
        datastore_name: str,
        *,
        config_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> AwaitableListing[dict[str, Any]]:
        """List all records of a datastore. Refold page: *List Records*, which is deprecated.

        Args:
            slug: The app.
            datastore_name: The name of the datastore.
            config_id: The config whose datastore it is; by default that with the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The records, each a dict as it was stored. `await` it for a plain `list`, or iterate over it with
            `async for`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such config, or it has no such datastore.
            RefoldError: The call failed in another way.
        """
        return self._list_whole(
            lambda: _LIST_RECORDS.request(slug, datastore_name, query={"config_id": config_id}),
            dict[str, Any],
            timeout,
        )

    def search_records(
        self,
        slug: str,
        datastore_name: str,
        filters: Mapping[str, str],
        *,
        config_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> AwaitableListing[dict[str, Any]]:
        """Find records of a datastore. Refold page: *Search Records*, which is deprecated.

        Args:
            slug: The app.
            datastore_name: The name of the datastore.
            filters: For each field to search in, a regular expression, in which upper and lower case are the same. It
                needs to match only a part of the value: `^new$` matches the whole. Escape texts that users enter.
            config_id: The config whose datastore it is; by default that with the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The records in which all filters match. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such config, or it has no such datastore.
            RefoldError: The call failed in another way.
        """
        return self._list_whole(
            lambda: _SEARCH_RECORDS.request(
                slug, datastore_name, query={"config_id": config_id}, body=_FILTERS("filters", filters)
            ),
            dict[str, Any],
            timeout,
        )

    def list(
        self, slug: str, *, config_id: str | None = None, timeout: Timeout | float | None = None
    ) -> AwaitableListing[str]:
        """List the names of a config's datastores. Refold page: *List Config Datastores*, which is deprecated.

        Args:
            slug: The app.
            config_id: The config; by default that with the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The names. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: There is no such config.
            RefoldError: The call failed in another way.
        """
        return self._list_whole(lambda: _LIST.request(slug, query={"config_id": config_id}), str, timeout)
