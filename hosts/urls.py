"""Addresses of the pages of this app."""

from django.urls import path

from hosts.views import add, address_map, fleet, host, ranges, tags

app_name = "hosts"
urlpatterns = [
    path("", fleet.fleet, name="list"),
    path("add-host/", add.add, name="add"),
    path("hosts/<slug:name>/", host.detail, name="detail"),
    path("hosts/<slug:name>/history/", host.observations, name="observations"),
    path("hosts/<slug:name>/refresh/", host.refresh, name="refresh"),
    path("hosts/<slug:name>/enrol/", host.renew, name="renew"),
    path("hosts/<slug:name>/revoke/", host.revoke, name="revoke"),
    path("hosts/<slug:name>/tags/", tags.edit, name="tags"),
    path("hosts/<slug:name>/rotate/", host.rotate, name="rotate"),
    path("map/", address_map.address_map, name="map"),
    path("map/hosts/", address_map.map_hosts, name="map_hosts"),
    path("ranges/", ranges.ranges, name="ranges"),
    path("ranges/<int:pk>/", ranges.edit, name="range_edit"),
    path("ranges/<int:pk>/remove/", ranges.remove, name="range_remove"),
]
